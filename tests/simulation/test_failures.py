"""A stage, an operator or a record that cannot be helped ends its question with a reason, once, and leaves nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from scripted import Evidence, Text, conclude

from alto_streams.context import Context
from alto_streams.errors import EngineError, InvalidInput
from alto_streams.execution import TRIES
from alto_streams.operators import Collect
from alto_streams.pipeline import Pipeline, join
from alto_streams.testing import Faults, NotScripted, Result, run, simulate

QUESTIONS = {"good": b"good", "bad": b"bad"}


async def split(question: bytes, ctx: Context) -> AsyncIterator[Text]:
    for index in range(3):
        yield Text(f"{question.decode()}{index}")


async def split_again(item: Text, ctx: Context) -> AsyncIterator[Text]:
    for index in range(3):
        yield Text(f"{item.text}{index}")


async def pair(a: Text, b: Text, ctx: Context) -> Text:
    return Text(f"{a.text}={b.text}")


async def same(item: Text, ctx: Context) -> Text:
    return item


def graph(again: Any = split_again, operator: Any = None, judge: Any = same, ends: Any = conclude) -> Pipeline:
    p = Pipeline("failing", source=bytes)
    items = p.source.expand(split, "item")
    folded = items.expand(again, "part", name="again").aggregate(operator or Evidence())
    p.output(join(items, folded).map(pair).map(judge, name="judge"), "x", conclude=ends)
    return p


async def failing_half_way(item: Text, ctx: Context) -> AsyncIterator[Text]:
    for index in range(3):
        if item.text == "bad1" and index == 2:
            raise RuntimeError("no more")
        yield Text(f"{item.text}{index}")


async def refusing(item: Text, ctx: Context) -> Text:
    if item.text.startswith("bad1"):
        raise InvalidInput("too_long", "The prompt is too long.")
    return item


async def returning_no_message(item: Text, ctx: Context) -> Any:
    return 3 if item.text.startswith("bad") else item


class FailingAdd(Evidence):
    def add(self, state: tuple[str, ...], item: Text) -> tuple[str, ...]:
        if item.text == "bad12":
            raise ValueError("cannot add")
        return super().add(state, item)


class FailingResult(Evidence):
    def result(self, state: tuple[str, ...]) -> Text:
        if any(text.startswith("bad1") for text in state):
            raise ValueError("no result")
        return super().result(state)


class FailingInOrder(Collect[Text]):
    def add(self, state: list[Text], item: Text) -> list[Text]:
        if item.text == "bad12":
            raise ValueError("cannot add in order")
        return [*state, item]

    def result(self, state: list[Text]) -> Any:
        return Text("|".join(item.text for item in state))


class FailingStage(FailingAdd):
    def open(self) -> None:
        """Makes it a stage of its own."""


class FailingStageResult(FailingResult):
    def open(self) -> None:
        """Makes it a stage of its own."""


@pytest.mark.parametrize(
    ("pipeline", "stage", "kind", "says"),
    [
        (graph(again=failing_half_way), "again", "stage_failed", "no more"),
        (graph(judge=refusing), "judge", "too_long", "too long"),
        (graph(judge=returning_no_message), "judge", "stage_failed", "SerializeToString"),
        (graph(operator=FailingAdd()), "pair", "invalid_record", "cannot add"),
        (graph(operator=FailingResult()), "pair", "invalid_record", "no result"),
        (graph(operator=FailingInOrder()), "pair", "invalid_record", "cannot add in order"),
        (graph(operator=FailingStage()), "failing_stage", "invalid_record", "cannot add"),
        (graph(operator=FailingStageResult()), "failing_stage_result", "invalid_record", "no result"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_outcome_says_which_stage_and_why(pipeline: Pipeline, stage: str, kind: str, says: str) -> None:
    expected = run(pipeline, {"good": b"good"}).outcomes["good"]

    def check(result: Result) -> None:
        assert result.outcomes["good"] == expected
        failure = json.loads(result.outcomes["bad"])["failure"]
        assert failure[:2] == [stage, kind]
        assert says in failure[2]
        assert {(letter.stage, letter.kind) for letter in result.dead_letters} == {(stage, kind)}

    check(run(pipeline, QUESTIONS))
    for seed in range(25):
        simulate(pipeline, QUESTIONS, seed, check=check)


def test_an_engine_is_asked_again_under_a_later_attempt() -> None:
    calls: list[str] = []

    async def succeeding_at_last(item: Text, ctx: Context) -> AsyncIterator[Text]:
        calls.append(item.text)
        tries = calls.count(item.text)
        for index in range(tries):
            yield Text(f"{item.text}try{tries}.{index}")
        if tries < TRIES:
            raise EngineError("not yet")

    outcomes = run(graph(again=succeeding_at_last), {"q": b"q"}).outcomes
    wanted = [f"q{i}={'|'.join(f'q{i}try{TRIES}.{index}' for index in range(TRIES))}" for i in range(3)]
    assert json.loads(outcomes["q"]) == wanted


def test_a_cancelled_question_ends_once_and_leaves_nothing() -> None:
    pipeline = graph()
    expected, found = run(pipeline, QUESTIONS).outcomes, Counter[str]()
    for seed in range(40):
        result = simulate(pipeline, QUESTIONS, seed, Faults(budget=5, every=100, cancel=10))
        assert result.outcomes.keys() == QUESTIONS.keys()
        for question, outcome in result.outcomes.items():
            told = json.loads(outcome)
            found["cancelled" if isinstance(told, dict) else "complete"] += 1
            assert told["failure"][1] == "cancelled" if isinstance(told, dict) else outcome == expected[question]
    assert found["cancelled"]
    assert found["complete"]


def test_a_conclude_that_raises_gives_a_failed_outcome() -> None:
    def picky(question: str, items: list[Text], failure: Any) -> bytes:
        if question == "bad" and failure is None:
            raise KeyError("verdict")
        return conclude(question, items, failure)

    for seed in range(10):
        outcomes = simulate(graph(ends=picky), QUESTIONS, seed).outcomes
        assert json.loads(outcomes["bad"])["failure"] == [
            "coordinator",
            "stage_failed",
            "conclude: KeyError: 'verdict'",
        ]
        assert isinstance(json.loads(outcomes["good"]), list)


def test_a_function_that_waits_for_the_real_world_is_named() -> None:
    import asyncio

    async def sleeping(item: Text, ctx: Context) -> Text:
        await asyncio.sleep(0.001)
        return item

    assert json.loads(run(graph(judge=sleeping), {"q": b"q"}).outcomes["q"])
    with pytest.raises(NotScripted, match="'judge' waits for an event loop"):
        simulate(graph(judge=sleeping), {"q": b"q"}, 0, Faults(budget=0))
