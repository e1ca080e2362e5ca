"""`run`: a pipeline and its stages tested without Kafka, with a scripted engine and an ordinary event loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence

import pytest

from alto_streams.context import Context
from alto_streams.engines.protocol import EngineStatistics, Message, Prompt, Sampling
from alto_streams.operators import Count, Into, Max
from alto_streams.pipeline import Pipeline
from alto_streams.testing import run, run_async, simulate
from schemas.claim_pb2 import Claim
from schemas.question_pb2 import Question


class Scripted:
    """Says the prompt's last words, one after the other."""

    async def generate(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[str]:
        for word in prompt.messages[-1].content.split():
            await asyncio.sleep(0)
            yield word

    async def score(self, prompt: Prompt, options: Sequence[str]) -> list[float]:
        return [0.0 for _ in options]

    async def statistics(self) -> EngineStatistics:
        return EngineStatistics(0, 0, 0, 0, 0)

    async def close(self) -> None:
        """Nothing to close."""


async def claims(question: Question, ctx: Context) -> AsyncIterator[Claim]:
    prompt = Prompt("claims", (Message("user", question.text),))
    async for word in ctx.engine.generate(prompt, Sampling()):
        yield Claim(text=f"{ctx.question_id}: {word}")


class Shout:
    def open(self) -> None:
        self.mark = "!"

    async def __call__(self, claim: Claim, ctx: Context) -> Claim:
        return Claim(text=claim.text.upper() + self.mark)


async def slow(claim: Claim, ctx: Context) -> Claim:
    return Claim(text=await asyncio.to_thread(str.lower, claim.text))


def conclude(question: str, items: list[Claim], failure: object) -> bytes:
    return json.dumps({"claims": [item.text for item in items], "failure": failure}).encode()


def pipeline(last: object) -> Pipeline:
    p = Pipeline("memory", source=Question)
    stream = p.source.expand(claims, "claim", uses="lm")
    p.publish(stream, "claim")
    p.output(stream.map(last), "said", conclude=conclude)  # type: ignore[arg-type]
    return p


QUESTIONS = {"q1": Question(text="a b c"), "q2": Question(text="")}


def test_outcomes_outputs_and_progress_are_decoded() -> None:
    result = run(pipeline(Shout()), QUESTIONS, pool=Scripted())
    assert json.loads(result.outcomes["q1"]) == {"claims": ["Q1: A!", "Q1: B!", "Q1: C!"], "failure": None}
    assert json.loads(result.outcomes["q2"]) == {"claims": [], "failure": None}
    assert [(item.type, item.value) for item in result.progress["q1"]] == [
        ("claim", Claim(text=f"q1: {word}")) for word in "abc"
    ]
    assert [item.type for item in result.outputs["q1"]] == ["said"] * 3
    assert len({item.id for item in result.outputs["q1"]}) == 3
    assert result.dead_letters == []


def test_functions_may_wait_for_threads() -> None:
    result = run(pipeline(slow), QUESTIONS, pool=Scripted())
    assert json.loads(result.outcomes["q1"])["claims"] == ["q1: a", "q1: b", "q1: c"]


async def test_it_runs_inside_an_event_loop_too() -> None:
    assert (await run_async(pipeline(Shout()), QUESTIONS, pool=Scripted())).outcomes == run_outcomes()


def run_outcomes() -> dict[str, bytes]:
    wanted = {"q1": ["Q1: A!", "Q1: B!", "Q1: C!"], "q2": []}
    return {q: json.dumps({"claims": found, "failure": None}).encode() for q, found in wanted.items()}


def test_a_simulation_with_the_same_engine_says_the_same() -> None:
    shout = Shout()
    shout.open()
    for seed in range(10):
        assert simulate(pipeline(shout), QUESTIONS, seed, pool=Scripted()).outcomes == run_outcomes()


def test_a_stage_without_a_pool_has_no_engine() -> None:
    async def asks(claim: Claim, ctx: Context) -> Claim:
        assert ctx.engine is not None
        return claim

    result = run(pipeline(asks), QUESTIONS, pool=Scripted())
    assert json.loads(result.outcomes["q1"])["failure"][:2] == ["asks", "stage_failed"]
    assert 'uses="lm"' in json.loads(result.outcomes["q1"])["failure"][2]


@pytest.mark.parametrize("deadline_ms", [0, 60_000])
def test_the_context_tells_question_item_and_deadline(deadline_ms: int) -> None:
    seen: list[Context] = []

    async def look(claim: Claim, ctx: Context) -> Claim:
        seen.append(ctx)
        return claim

    run(pipeline(look), {"q1": Question(text="a b")}, pool=Scripted(), deadline_ms=deadline_ms)
    assert [ctx.question_id for ctx in seen] == ["q1", "q1"]
    assert [ctx.item_id.split("-")[0] for ctx in seen] == ["0", "1"]
    assert len({ctx.deadline for ctx in seen}) == 1


async def word_of(claim: Claim, ctx: Context) -> AsyncIterator[Claim]:
    for letter in claim.text.split(": ")[1]:
        if letter.isalpha():
            yield Claim(text=letter)


def best_letters(read_elsewhere: bool) -> dict[str, bytes]:
    p = Pipeline("letters", source=Question)
    letters = p.source.expand(claims, "claim", uses="lm").expand(word_of, "letter")
    best = letters.aggregate(Max(key=lambda letter: letter.text))
    p.output(best if read_elsewhere else best.map(slow), "best", conclude=conclude)
    return run(p, {"q": Question(text="abc 12 zy"), "none": Question(text="1 2")}, pool=Scripted()).outcomes


@pytest.mark.parametrize("read_elsewhere", [True, False])
def test_where_an_operator_has_no_value_the_item_is_dropped(read_elsewhere: bool) -> None:
    """In a stage of its own, and folded into the stage that reads it."""
    outcomes = best_letters(read_elsewhere)
    assert json.loads(outcomes["q"]) == {"claims": ["c", "z"], "failure": None}
    assert json.loads(outcomes["none"]) == {"claims": [], "failure": None}


def test_what_an_operator_results_in_is_made_a_message() -> None:
    p = Pipeline("counted", source=Question)
    letters = p.source.expand(claims, "claim", uses="lm").expand(word_of, "letter")
    p.output(letters.aggregate(Into(Count(), count_told)), "count", conclude=conclude)
    outcomes = run(p, {"q": Question(text="abc 12")}, pool=Scripted()).outcomes
    assert json.loads(outcomes["q"])["claims"] == ["3 letters", "0 letters"]


def count_told(letters: int) -> Claim:
    return Claim(text=f"{letters} letters")
