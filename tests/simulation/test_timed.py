"""In virtual time: latencies, deadlines and lost heartbeats come from time. The language model is emulated."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from statistics import mean, median

import pytest
from mechanisms import without_counts
from scripted import QUESTIONS, Evidence, Script, Text, Words, conclude

from alto_streams.context import Context
from alto_streams.engines.emulated import EmulatedEngine
from alto_streams.engines.emulated.clock import VirtualClock
from alto_streams.engines.protocol import Message, Prompt, Sampling
from alto_streams.pipeline import Pipeline, join
from alto_streams.quanta import cutter
from alto_streams.testing import Delays, Result, Simulated, SimulationError, run, simulate_case, simulate_timed
from alto_streams.testing.clock import SimulatedClock
from alto_streams.testing.simulated import DAY_MS

MANY = {f"q{n}": f"Which river flows through city {n} of Germany?".encode() for n in range(12)}
PAPER = {"answer": 2, "extract_claims": 2, "generate_queries": 3}


def emulated(clock: SimulatedClock) -> EmulatedEngine:
    return EmulatedEngine(clock=clock)


def asked(name: str, text: str) -> Prompt:
    return Prompt(name, (Message("system", f"You {name}."), Message("user", text)))


def factool() -> Pipeline:
    """FacTool's shape with an emulated model: answer, claims, queries, then words summed beside the whole query."""

    async def answer(question: bytes, ctx: Context) -> AsyncIterator[Text]:
        sentences = cutter("sentence")
        async for text in ctx.engine.generate(asked("answer", question.decode()), Sampling(max_tokens=1000)):
            for sentence in sentences.feed(text):
                yield Text(sentence)
        for sentence in sentences.end():
            yield Text(sentence)

    async def extract_claims(sentence: Text, ctx: Context) -> AsyncIterator[str]:
        async for text in ctx.engine.generate(asked("extract_claims", sentence.text), Sampling(max_tokens=1000)):
            yield text

    async def generate_queries(claim: Text, ctx: Context) -> AsyncIterator[str]:
        async for text in ctx.engine.generate(asked("generate_queries", claim.text), Sampling(max_tokens=1000)):
            yield text

    async def encode(query: Text, ctx: Context) -> Text:
        return query

    async def rerank(hits: Text, vectors: Text, ctx: Context) -> Text:
        return Text(f"{vectors.text} ({len(hits.text.split())})")

    async def appraise(claim: Text, evidence: Text, ctx: Context) -> Text:
        return Text(f"{claim.text}: {evidence.text}")

    p = Pipeline("emulated-factool", source=bytes)
    sentences = p.source.expand(answer, "sentence", uses="lm", concurrency=64)
    claims = sentences.expand(extract_claims, "claim", cut="lines", item=Text, uses="lm", concurrency=64)
    queries = claims.expand(generate_queries, "query", cut="lines", item=Text, uses="lm", concurrency=64)
    hits = queries.cut("token", at="words", item=Text).aggregate(Words())
    ranked = join(hits, queries.map(encode)).map(rerank)
    p.output(join(claims, ranked.aggregate(Evidence(), over="query")).map(appraise), "verdict", conclude=conclude)
    return p


def latencies(result: Result) -> tuple[list[float], list[float]]:
    """Seconds to the first output and to the outcome."""
    times = result.timings.values()
    return (
        [t.first - t.asked for t in times if t.first is not None],
        [t.ended - t.asked for t in times if t.ended is not None],
    )


def test_streaming_is_faster_than_waiting_for_whole_outputs_with_equal_results_emulated() -> None:
    case = Simulated(factool(), MANY)
    streamed = simulate_timed(case, 1, engine=emulated, instances=PAPER, rate=0.2)
    waiting = simulate_timed(case, 1, engine=emulated, instances=PAPER, rate=0.2, streaming=False)
    assert streamed.outcomes == waiting.outcomes
    assert all("Emulated" in outcome.decode() for outcome in streamed.outcomes.values())
    (first, ended), (waited_first, waited_ended) = latencies(streamed), latencies(waiting)
    assert len(ended) == len(waited_ended) == len(MANY)
    assert median(first) < 0.6 * median(waited_first)
    assert mean(ended) < 0.85 * mean(waited_ended)


def test_a_stage_has_the_instances_that_it_was_given_and_all_of_them_work() -> None:
    made: list[EmulatedEngine] = []

    def engine(clock: SimulatedClock) -> EmulatedEngine:
        made.append(emulated(clock))
        return made[-1]

    simulate_timed(Simulated(factool(), MANY), 1, engine=engine, instances=PAPER)
    assert len(made) == sum(PAPER.values())
    assert all(asyncio.run(one.statistics()).requests for one in made)


def test_a_seed_repeats_its_times() -> None:
    case = Simulated(factool(), dict(list(MANY.items())[:5]))
    first, again, other = (simulate_timed(case, seed, engine=emulated) for seed in (1, 1, 2))
    assert first == again
    assert first.timings != other.timings
    assert first.outcomes == other.outcomes


def test_silent_instances_lose_their_partitions_when_the_session_timeout_has_passed() -> None:
    case, delays = Simulated(factool(), MANY), Delays(crash_every_s=40, stall_every_s=20, stall_s=6)
    wanted = simulate_timed(case, 0, engine=emulated, rate=1.0)
    assert not wanted.faults
    happened = dict.fromkeys(("crash", "stall"), 0)
    for seed in range(2):
        found = simulate_timed(case, seed, engine=emulated, instances=PAPER, rate=1.0, delays=delays)
        assert found.outcomes == wanted.outcomes
        slowest = max(latencies(found)[1])
        assert slowest > (delays.session_timeout_s if found.faults.get("crash") else 0)
        for kind in happened:
            happened[kind] += found.faults.get(kind, 0)
    assert all(happened.values()), happened


def test_words_that_change_with_each_run_never_mix_in_virtual_time() -> None:
    delays = Delays(crash_every_s=4, stall_every_s=4, stall_s=5, send_s=0.2)
    happened = 0
    for seed in range(10):
        script = Script(seed)
        check = lambda r, s=script: s.check(r, drop=True)  # noqa: E731
        case = Simulated(script.pipeline(drop=True), QUESTIONS, check=check, deadline_ms=600_000)
        instances = dict.fromkeys(("answer", "extract", "generate", "words", "rerank", "appraise"), 2)
        happened += sum(simulate_timed(case, seed, instances=instances, delays=delays).faults.values())
    assert happened > 10


def test_a_deadline_passes_when_it_is_due() -> None:
    case = Simulated(factool(), {"q": MANY["q0"]}, deadline_ms=300)
    found = simulate_timed(case, 0, engine=emulated)
    assert json.loads(found.outcomes["q"])["failure"][1] == "deadline_exceeded"
    ended = found.timings["q"].ended
    assert ended is not None
    assert 0.3 < ended <= 0.3 + Delays().look_s + 0.1


def test_a_failed_check_names_the_seed() -> None:
    def never(result: Result) -> None:
        raise AssertionError("no good")

    case = replace(Simulated(factool(), {"q": MANY["q0"]}), check=never)
    with pytest.raises(SimulationError, match="Seed 5: AssertionError: no good"):
        simulate_timed(case, 5, engine=emulated)


def test_the_emulated_model_says_the_same_without_time() -> None:
    few = dict(list(MANY.items())[:3])
    timed = simulate_timed(Simulated(factool(), few), 0, engine=emulated)
    assert run(factool(), few, pool=EmulatedEngine(clock=VirtualClock())).outcomes == timed.outcomes
    pool = EmulatedEngine(clock=VirtualClock())
    assert simulate_case(Simulated(factool(), few, pool), 3).outcomes == timed.outcomes


def test_what_nobody_completes_waits_for_its_deadline_and_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    without_counts(monkeypatch)
    found = simulate_timed(Simulated(factool(), {"q": MANY["q0"]}), 0, engine=emulated)
    assert json.loads(found.outcomes["q"])["failure"][1] == "deadline_exceeded"
    ended = found.timings["q"].ended
    assert ended is not None
    assert ended > DAY_MS / 1000
