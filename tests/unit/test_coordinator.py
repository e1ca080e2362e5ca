"""The coordinator's rules at the edges: late records, unreadable ones, and a second copy of a question."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from alto_streams.ancestry import FIRST, Ancestry
from alto_streams.context import Context
from alto_streams.coordinator import REJECTION, REMEMBER_MS, CoordinatorLogic
from alto_streams.effects import Acknowledge, Delivery, Effect, Publish, Send, Tell
from alto_streams.failure import Failure
from alto_streams.pipeline import Pipeline
from alto_streams.record import Kind, Record

DEADLINE = 1000
LONG_AFTER = DEADLINE + REMEMBER_MS + 1


async def split(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
    yield question


def conclude(question: str, items: list[bytes], failure: Any) -> bytes:
    return json.dumps([len(items), failure and failure.kind]).encode()


@pytest.fixture
def logic() -> CoordinatorLogic:
    return logic_of()


def logic_of() -> CoordinatorLogic:
    pipeline = Pipeline("p", source=bytes)
    pipeline.output(pipeline.source.expand(split, "item"), "item", conclude=conclude)
    return CoordinatorLogic(pipeline.plan)


@pytest.fixture
def one_item() -> CoordinatorLogic:
    """Of a pipeline whose output has no level."""

    async def echo(question: bytes, ctx: Context) -> bytes:
        return question

    pipeline = Pipeline("p", source=bytes)
    pipeline.output(pipeline.source.map(echo), "item", conclude=conclude)
    return CoordinatorLogic(pipeline.plan)


def question(deadline: int = DEADLINE) -> Record:
    return Record(Kind.ITEM, 0, Ancestry("q"), 1, deadline, b"q")


def item() -> Record:
    return Record(Kind.ITEM, 1, Ancestry("q").child(0, FIRST), 1, DEADLINE, b"x")


def count() -> Record:
    return Record(Kind.COUNT, 1, Ancestry("q"), 1, DEADLINE, count=1, attempt=FIRST)


def failure(value: bytes = Failure("split", "stage_failed", "why").encode()) -> Record:
    return Record(Kind.FAILURE, 0, Ancestry("q"), 1, DEADLINE, value)


def outcomes(effects: list[Effect]) -> list[Any]:
    return [json.loads(e.value) for e in effects if isinstance(e, Publish)]


def acknowledged(effects: list[Effect]) -> list[int]:
    return sorted(d.offset for e in effects if isinstance(e, Acknowledge) for d in e.deliveries)


def play(logic: CoordinatorLogic, records: list[Record], now: int = 0) -> list[Effect]:
    return [e for i, record in enumerate(records) for e in logic.receive(record, Delivery(0, i), 1, now)]


def test_a_question_is_handed_out_and_ends_when_its_items_are_in(logic: CoordinatorLogic) -> None:
    effects = play(logic, [question(), question(), item(), count(), item(), failure()])
    assert [e.stage for e in effects if isinstance(e, Send)] == ["split"]
    assert outcomes(effects) == [[1, None]]
    assert acknowledged(effects) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("late", [item(), count(), failure()])
def test_what_comes_long_after_the_end_of_a_question_does_not_end_it_again(
    logic: CoordinatorLogic, late: Record
) -> None:
    play(logic, [question(), item(), count()])
    assert logic.expire(LONG_AFTER) == []
    effects = logic.receive(late, Delivery(0, 9), 1, LONG_AFTER)
    assert outcomes(effects) == []
    assert acknowledged(effects) == [9]


def test_an_outcome_says_whether_its_question_failed(logic: CoordinatorLogic) -> None:
    for records, why in (([question(), item(), count()], None), ([question(), failure()], "stage_failed")):
        (outcome,) = [effect for effect in play(logic, records) if isinstance(effect, Publish)]
        assert (outcome.failure and outcome.failure.kind) == why
        logic.revoke({0})


def test_a_question_that_comes_too_late_ends_so(logic: CoordinatorLogic) -> None:
    effects = logic.receive(question(), Delivery(0, 0), 1, DEADLINE + 1)
    assert outcomes(effects) == [[0, "deadline_exceeded"]]
    assert acknowledged(effects) == [0]


def test_a_question_still_open_at_its_deadline_ends_with_what_it_has(logic: CoordinatorLogic) -> None:
    play(logic, [question(), item()])
    assert logic.expire(DEADLINE) == []
    effects = logic.expire(DEADLINE + 1)
    assert outcomes(effects) == [[1, "deadline_exceeded"]]
    assert acknowledged(effects) == [0, 1]


@pytest.mark.parametrize(
    "broken",
    [
        failure(b"not json"),
        Record(Kind.ITEM, 7, Ancestry("q"), 1, DEADLINE),
        Record(Kind.ITEM, 1, Ancestry("q"), 1, DEADLINE),
    ],
    ids=["failure that says nothing", "unknown port", "item without its level"],
)
def test_a_record_that_makes_no_sense_fails_its_question(logic: CoordinatorLogic, broken: Record) -> None:
    effects = play(logic, [question(), item(), broken, count()])
    assert outcomes(effects) == [[1, "invalid_record"]]
    assert acknowledged(effects) == [0, 1, 2, 3]


def test_a_failure_calls_the_question_off_at_every_stage_once(logic: CoordinatorLogic) -> None:
    effects = play(logic, [question(), item(), failure(), failure()])
    assert [(e.stage, e.record.kind, e.record.ancestry) for e in effects if isinstance(e, Tell)] == [
        ("split", Kind.ENDED, Ancestry("q"))
    ]
    assert acknowledged(effects) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "records",
    [[question(), item(), count()], [replace(failure(), port=REJECTION)]],
    ids=["complete", "refused before it was handed out"],
)
def test_a_question_of_which_no_stage_has_anything_is_not_called_off(
    logic: CoordinatorLogic, records: list[Record]
) -> None:
    effects = play(logic, records)
    assert len(outcomes(effects)) == 1
    assert not [e for e in effects if isinstance(e, Tell)]


def cancellation(epoch: int = 9) -> Record:
    (sent,) = logic_of().cancel("q", epoch, DEADLINE + 500)
    assert isinstance(sent, Send)
    return sent.record


def test_a_cancelled_question_ends_and_is_called_off_in_its_own_epoch(logic: CoordinatorLogic) -> None:
    effects = play(logic, [question(), item(), cancellation(), item(), cancellation()])
    assert outcomes(effects) == [[1, "cancelled"]]
    assert [(e.record.epoch, e.record.deadline) for e in effects if isinstance(e, Tell)] == [(1, DEADLINE)]
    assert acknowledged(effects) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("before", [[], [question(), item(), count()]], ids=["that nobody asked", "that is answered"])
def test_a_cancellation_of_a_question_does_nothing(logic: CoordinatorLogic, before: list[Record]) -> None:
    play(logic, before)
    assert logic.receive(cancellation(), Delivery(0, 7), 1, 0) == [Acknowledge((Delivery(0, 7),))]


def test_after_a_takeover_a_question_that_comes_again_is_called_off_once_more(logic: CoordinatorLogic) -> None:
    logic.remember(0, ["q"], DEADLINE)
    effects = play(logic, [question(), question()])
    assert [e.record.kind for e in effects if isinstance(e, Tell)] == [Kind.ENDED]


def test_a_question_whose_outcome_is_out_is_not_opened_again(logic: CoordinatorLogic) -> None:
    logic.remember(0, ["q"], DEADLINE)
    assert outcomes(play(logic, [question(), item(), count()])) == []
    logic.revoke({0})
    assert outcomes(play(logic, [question(), item(), count()])) == [[1, None]]


def test_a_conclude_that_always_raises_ends_the_question_all_the_same(logic: CoordinatorLogic) -> None:
    def broken(question: str, items: list[bytes], failure: Any) -> bytes:
        raise ValueError("never")

    object.__setattr__(logic.plan, "conclude", broken)
    effects = logic.receive(failure(), Delivery(0, 0), 1, 0)
    assert [effect.value for effect in effects if isinstance(effect, Publish)] == [b""]
    assert acknowledged(effects) == [0]


ONLY = Record(Kind.ITEM, 1, Ancestry("q"), 1, DEADLINE, b"x")
DROPPED = Record(Kind.EMPTY, 1, Ancestry("q"), 1, DEADLINE)


@pytest.mark.parametrize(("end", "items"), [(ONLY, 1), (DROPPED, 0)], ids=["there", "dropped"])
def test_an_output_without_a_level_is_one_item_or_none(one_item: CoordinatorLogic, end: Record, items: int) -> None:
    effects = play(one_item, [end, question(), end])
    assert outcomes(effects) == [[items, None]]
    assert acknowledged(effects) == [0, 1, 2]


@pytest.mark.parametrize(("before", "items"), [([ONLY], 1), ([DROPPED], 0), ([], 0)])
def test_an_output_without_a_level_may_end_before_its_item_is_there(
    one_item: CoordinatorLogic, before: list[Record], items: int
) -> None:
    assert outcomes(play(one_item, [*before, failure()])) == [[items, "stage_failed"]]
    one_item.revoke({0})
    play(one_item, before or [question()])
    assert outcomes(one_item.expire(DEADLINE + 1)) == [[items, "deadline_exceeded"]]
