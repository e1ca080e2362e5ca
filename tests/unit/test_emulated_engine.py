"""The emulated engine as an adapter: what it says, asked again or stopped, through the stages, and in a simulation."""

from __future__ import annotations

import asyncio
import gc
import math
from contextlib import aclosing
from statistics import fmean

import pytest

from alto_streams.engines.emulated.clock import VirtualClock
from alto_streams.engines.emulated.engine import EmulatedEngine, InstantEngine
from alto_streams.engines.emulated.parameters import Parameters
from alto_streams.engines.protocol import Engine, Message, Prompt, Sampling
from alto_streams.errors import SettingError
from alto_streams.pipeline import Pipeline
from alto_streams.testing import Result, run, simulate
from schemas.claim_pb2 import Claim
from schemas.query_pb2 import Query
from schemas.question_pb2 import Question
from stages import answer as answering
from stages.answer import answer
from stages.extract_claims import extract_claims
from stages.generate_queries import generate_queries

ASKED = answering.prompt("Who designed the Sydney Opera House in 1957?")
QUESTIONS = {f"q{n}": Question(text=f"Which river flows through the city number {n} of Germany?") for n in range(5)}
ANSWER = Sampling(max_tokens=1000)


def engine(seed: int = 0, **options: bool) -> EmulatedEngine:
    return EmulatedEngine(seed, clock=VirtualClock(), **options)  # type: ignore[arg-type]


async def said(engine: Engine, prompt: Prompt = ASKED, sampling: Sampling = ANSWER) -> list[str]:
    return [text async for text in engine.generate(prompt, sampling)]


async def test_equal_prompts_have_equal_words_in_any_engine_of_the_seed() -> None:
    one = engine()
    first, again, elsewhere = await said(one), await said(one), await said(engine())
    assert first == again == elsewhere
    assert await said(engine(seed=1)) != first
    assert await said(one, answering.prompt("Who designed it?")) != first


async def test_another_run_has_other_words_when_asked() -> None:
    one, other = engine(reruns_differ=True), engine(reruns_differ=True)
    runs = [await said(one) for _ in range(3)]
    assert len({"".join(run) for run in runs}) == 3
    assert [await said(other) for _ in range(3)] == runs


async def test_it_says_that_it_is_emulated_wherever_it_says_anything() -> None:
    text = "".join(await said(engine()))
    sentences = [part for part in text.split(". ") if part]
    assert all(sentence.startswith("Emulated") for sentence in sentences)
    for name in ("extract_claims", "generate_queries"):
        asked = Prompt(name, (Message("user", "Claim: The Rhine flows through Cologne."),))
        assert all(line.lower().startswith("emulated") for line in "".join(await said(engine(), asked)).split("\n"))
    assert engine().model == "emulated"


async def test_it_stops_at_the_token_limit_and_at_a_stop_sequence() -> None:
    whole = await said(engine())
    assert await said(engine(), sampling=Sampling(max_tokens=5)) == whole[:5]
    word = whole[3].strip()
    assert (
        "".join(await said(engine(), sampling=Sampling(max_tokens=1000, stop=(word,))))
        == ("".join(whole).partition(word)[0])
    )


async def test_scores_are_log_probabilities_by_seed() -> None:
    one = engine()
    values = await one.score(ASKED, ("Yes", "No"))
    assert values == await one.score(ASKED, ("Yes", "No"))
    assert values != await engine(seed=1).score(ASKED, ("Yes", "No"))
    assert 0 < sum(math.exp(value) for value in values) <= 1


async def test_closing_the_iterator_frees_the_place() -> None:
    one = engine()
    async with aclosing(one.generate(ASKED, ANSWER)) as texts:
        await anext(texts)
        assert (await one.statistics()).running == 1
    assert (await one.statistics()).running == 0


async def test_cancelling_the_reader_frees_the_place_in_real_time() -> None:
    one = EmulatedEngine(parameters=Parameters(base_s=60.0))
    reader = asyncio.create_task(said(one))
    await asyncio.sleep(0)
    assert (await one.statistics()).running == 1
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert (await one.statistics()).running == 0


async def test_statistics_count_words() -> None:
    one = engine()
    words = len(await said(one))
    found = await one.statistics()
    assert (found.requests, found.running, found.waiting) == (1, 0, 0)
    assert found.generated_tokens == words
    assert found.prompt_tokens == sum(len(message.content.split()) for message in ASKED.messages)


async def test_real_time_makes_the_same_words_as_virtual_time() -> None:
    fast = EmulatedEngine(parameters=Parameters(0.0001, 0.0, 0.0))
    assert "".join(await said(fast)) == "".join(await said(engine()))


async def test_virtual_time_goes_from_event_to_event() -> None:
    clock = VirtualClock()
    one = EmulatedEngine(clock=clock, parameters=Parameters(base_s=3600.0, token_s=0.0, request_s=0.0))
    both = await asyncio.gather(said(one, sampling=Sampling(max_tokens=3)), said(one, sampling=Sampling(max_tokens=5)))
    assert [len(texts) for texts in both] == [3, 5]
    assert clock.now() == 6 * 3600.0  # the second began with the second step


def stages() -> Pipeline:
    p = Pipeline("emulation", source=Question)
    sentences = p.source.expand(answer, "sentence", uses="lm")
    claims = sentences.expand(extract_claims, "claim", uses="lm")
    queries = claims.expand(generate_queries, "query", cut="lines", item=Query, uses="lm")
    p.publish(sentences, "sentence")
    p.publish(claims, "claim")
    p.output(queries, "query", conclude=lambda question, items, failure: b"failed" if failure else b"complete")
    return p


def test_the_stages_read_what_it_says() -> None:
    result = run(stages(), QUESTIONS, pool=engine())
    assert set(result.outcomes.values()) == {b"complete"}
    sentences, claims = 0, 0
    for question in QUESTIONS:
        items = result.progress[question]
        assert items
        assert all(item.value.text.startswith("Emulated") for item in items)
        sentences += sum(item.type == "sentence" for item in items)
        claims += sum(item.type == "claim" for item in items)
        assert all(item.value.text.startswith("emulated") for item in result.outputs[question])
    # A stage that can read no claim passes the sentence on, one that can read no query one query: far fewer.
    assert claims > 2 * sentences
    assert sum(len(items) for items in result.outputs.values()) > 1.7 * claims


def _texts(result: Result) -> dict[str, set[str]]:
    return {question: {item.value.text for item in items} for question, items in result.outputs.items()}


# Closing a suspended `anext` does not reach the generator in Python 3.11, so a crashed one is closed as garbage.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_simulation_with_faults_drives_it_and_leaves_nothing_running() -> None:
    asked = {name: QUESTIONS[name] for name in ("q1", "q4")}
    wanted = run(stages(), asked, pool=engine())
    for seed in range(4):
        one = engine()
        found = simulate(stages(), asked, seed, pool=one)
        gc.collect()
        assert found.outcomes == wanted.outcomes
        # What an attempt published that another replaced is among the outputs too: it said the same.
        assert _texts(found) == _texts(wanted)
        assert asyncio.run(one.statistics()).running == 0


def test_a_url_configures_it() -> None:
    for url in ("emulated:", "emulated:?seed=7&reruns_differ=1", "emulated:?seed=7", "emulated:?instant=0"):
        assert type(EmulatedEngine.from_url(url)) is EmulatedEngine
    assert type(EmulatedEngine.from_url("emulated:?instant=1")) is InstantEngine


async def test_an_instant_engine_says_the_same_words_one_at_a_time() -> None:
    instant, timed = EmulatedEngine.from_url("emulated:?seed=3&instant=1"), engine(seed=3)
    asked = Prompt("generate_queries", (Message("user", "Claim: The Rhine flows through Cologne."),))
    for prompt in (ASKED, asked):
        words = await said(instant, prompt)
        assert "".join(words) == "".join(await said(timed, prompt))
        assert all(len(word.split()) == 1 for word in words)
    assert await instant.score(ASKED, ("Yes", "No")) == await timed.score(ASKED, ("Yes", "No"))


async def test_an_instant_engine_lets_others_have_a_turn_before_each_word() -> None:
    instant, order = InstantEngine(), list[str]()

    async def read(name: str) -> None:
        async for _ in instant.generate(ASKED, Sampling(max_tokens=3)):
            order.append(name)

    await asyncio.gather(read("a"), read("b"))
    assert order == ["a", "b"] * 3
    found = await instant.statistics()
    assert (found.requests, found.running, found.waiting, found.generated_tokens) == (2, 0, 0, 6)


async def test_workers_that_do_not_know_each_other_say_the_same_or_not_as_asked() -> None:
    few = Sampling(max_tokens=12)
    same = [await said(EmulatedEngine.from_url("emulated:"), sampling=few) for _ in range(2)]
    other = [await said(EmulatedEngine.from_url("emulated:?reruns_differ=1"), sampling=few) for _ in range(4)]
    assert "".join(same[0]) == "".join(same[1])
    assert len({"".join(run) for run in other}) > 1


@pytest.mark.parametrize(
    "url",
    [
        "emulated:?speed=2",
        "emulated:?seed=x",
        "emulated:?reruns_differ=yes",
        "emulated:?instant=2",
        "emulated:fast",
        "http://emulated:",
    ],
)
def test_a_url_that_is_not_understood_is_refused(url: str) -> None:
    with pytest.raises(SettingError, match="ALTO_ENGINE_URL"):
        EmulatedEngine.from_url(url)


async def test_claims_of_a_request_are_as_many_as_asked() -> None:
    async def mean(url: str) -> float:
        found = EmulatedEngine.from_url(url)
        asked = [Prompt("extract_claims", (Message("user", f"Sentence: Rhine {n}."),)) for n in range(400)]
        return fmean(["".join(await said(found, one)).count("\n") + 1 for one in asked])

    assert 3.0 < await mean("emulated:?instant=1") < 3.6
    assert 1.2 < await mean("emulated:?instant=1&claims=1.3,0.6") < 1.4


def test_claims_of_a_sentence_differ() -> None:
    sentence = "Emulated Rhine flows through Cologne and through Basel, where it was bridged early."
    asked = Prompt("extract_claims", (Message("user", f"Question: Which river?\nSentence: {sentence}"),))
    for seed in range(50):
        lines = "".join(asyncio.run(said(engine(seed), asked))).split("\n")
        assert len(set(lines)) == len(lines)
        assert all(Claim(text=line).text.endswith(".") for line in lines)
