"""What is noted of runs, without Kafka: those that end well, fail, are cancelled, or collect what they read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from alto_streams.ancestry import Ancestry, Attempt
from alto_streams.context import Context
from alto_streams.errors import EngineError
from alto_streams.record import Kind, Record
from alto_streams.runtime import instance as runtime
from alto_streams.runtime.instance import now_ms
from alto_streams.runtime.tracing.ids import sampled, span_id
from tests.unit.traced import Rig, two


async def stuck(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
    yield b"first"
    await asyncio.Event().wait()


async def test_a_run_with_its_outputs_and_engine_requests() -> None:
    rig = Rig(two)
    await rig.receive("q")
    [line] = await rig.lines()
    assert (line["question"], line["path"], line["attempt"]) == ("q", [], [1, 12288])
    assert "failure" not in line
    assert line["parent"] == span_id("coordinator", Ancestry("q"))
    assert line["sent"] == 1_500_000_000
    assert line["received"] <= line["begun"] <= line["ended"]
    assert [output[1:] for output in line["outputs"]] == [
        ["item", [0], 8, ["whole"]],
        ["item", [1], 6, ["whole"]],
        ["count", [], 2, ["whole"]],
    ]
    generated, scored = line["engine"]
    assert generated["prompt"] == "two"
    assert sum(words for _, words in generated["chunks"]) == 3
    assert len(scored["chunks"]) == 1


async def test_a_cancelled_run_says_so() -> None:
    rig = Rig(stuck)
    await rig.receive("q")
    await asyncio.sleep(0.01)
    await rig.receive("q", Kind.ENDED)
    [line] = await rig.lines()
    assert (line["status"], line["failure"]) == ("cancelled", "cancelled")
    assert len(line["outputs"]) == 1


async def test_a_run_past_its_deadline_says_so() -> None:
    rig = Rig(stuck)
    await rig.receive("q", deadline_ms=20)
    await asyncio.sleep(0.1)
    [line] = await rig.lines()
    assert (line["status"], line["failure"]) == ("cancelled", "deadline_exceeded")


async def test_each_try_is_a_span(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "RETRY_AFTER_S", 0.0)
    tries = iter([EngineError("away"), EngineError("away"), ValueError("wrong")])

    async def fails(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
        raise next(tries)
        yield b""

    rig = Rig(fails)
    await rig.receive("q")
    lines = await rig.lines()
    assert [line["failure"] for line in lines] == ["engine_failed", "engine_failed", "stage_failed"]
    assert {line["status"] for line in lines} == {"failed"}
    assert len({line["span"] for line in lines}) == 3
    assert all(line["outputs"] == [] for line in lines)


async def test_what_a_run_collected_begins_with_its_first_record() -> None:
    rig = Rig(two, name="whole")
    run = Attempt(1, 4)
    made = [Record(Kind.ITEM, 0, Ancestry("q").child(i, run), 1, now_ms() + 60_000, b"x") for i in range(2)]
    first = await rig.take(made[1])
    await rig.take(made[0])
    last = await rig.take(Record(Kind.COUNT, 0, Ancestry("q"), 1, now_ms() + 60_000, b"", 2, run))
    [line] = await rig.lines()
    assert line["fold"] == [1.5e9, first.received, 3]
    assert (line["read"], line["received"], line["read_path"]) == ("count", last.received, [])
    assert line["parent"] == span_id("stage", Ancestry("q"), run)
    assert first.received < last.received <= line["begun"] <= line["ended"]
    assert [output[1:] for output in line["outputs"]] == [["item", [], 2, ["coordinator"]]]


async def test_a_record_that_cannot_be_read_shows() -> None:
    rig = Rig(two, name="whole")
    await rig.take(Record(Kind.ITEM, 7, Ancestry("q").child(0, Attempt(1, 0)), 1, now_ms() + 60_000, b""))
    [line] = await rig.lines()
    assert (line["status"], line["failure"], line["begun"]) == ("failed", "unknown_port", line["ended"])


async def test_questions_that_are_not_sampled_leave_no_trace() -> None:
    rig = Rig(two, share=0.5)
    questions = [f"q{number}" for number in range(40)]
    for question in questions:
        await rig.receive(question)
    traced = {line["question"] for line in await rig.lines()}
    assert traced == {question for question in questions if sampled(question, 0.5)}
    assert 0 < len(traced) < len(questions)


async def test_a_sink_that_fails_stops_nothing() -> None:
    rig = Rig(two)
    rig.kept.fails = 1
    await rig.receive("lost")
    await asyncio.sleep(0.1)
    await rig.receive("kept")
    assert [line["question"] for line in await rig.lines()] == ["kept"]
