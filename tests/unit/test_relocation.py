"""A record that waits while many follow it is sent again, and is done when both it and its copy may be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from alto_streams.ancestry import Ancestry
from alto_streams.context import Context
from alto_streams.execution import StageLogic
from alto_streams.pipeline import Pipeline
from alto_streams.record import HEADER, Kind, Record, encode_header
from alto_streams.runtime.instance import Instance, now_ms
from alto_streams.runtime.relocation import MOVED
from tests.unit.outboxes import Outbox


class Rig:
    """An instance whose function waits until the test says go."""

    def __init__(self) -> None:
        async def wait(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
            self.began.append(ctx.question_id)
            await self.go.wait()
            yield b"1"

        pipeline = Pipeline("p", source=bytes)
        items = pipeline.source.expand(wait, "item", name="stage", concurrency=8)
        pipeline.output(items, "item", conclude=lambda question, items, failure: b"")
        self.go, self.began = asyncio.Event(), list[str]()
        self.outbox, self.acknowledged = Outbox(), list[int]()
        logic = StageLogic(pipeline.plan.stage("stage"))
        self.instance = Instance(logic, self.outbox, None, self._fatal)  # type: ignore[arg-type]

    async def _fatal(self, error: BaseException) -> None:
        raise AssertionError(error)

    async def receive(self, offset: int, headers: Any = None, generation: int = 1, question: str = "") -> None:
        record = Record(Kind.ITEM, 0, Ancestry(question or f"q{offset}"), 1, now_ms() + 60_000, b"value")
        message = SimpleNamespace(
            partition=0,
            offset=offset,
            key=b"key",
            value=b"value",
            generation_id=generation,
            headers=headers or [(HEADER, encode_header(record))],
        )
        await self.instance.receive(SimpleNamespace(message=message, ack=lambda: self._acknowledge(offset)))
        await settle()

    def _acknowledge(self, offset: int) -> None:
        if offset not in self.acknowledged:  # as an event does
            self.acknowledged.append(offset)

    async def finish(self) -> None:
        self.go.set()
        await settle()

    def move(self, before: int = 1000, since: int = 0) -> int:
        return self.instance.relocation.move(0, since, before)

    def copy(self) -> Any:
        """The headers of what was sent again last."""
        return self.outbox.repeated[-1][2]


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def rig() -> Rig:
    rig = Rig()
    await rig.receive(5)
    return rig


async def test_it_is_acknowledged_when_kafka_has_the_copy_and_the_copy_when_it_is_done(rig: Rig) -> None:
    assert rig.move() == 1
    stage, message, headers = rig.outbox.repeated[0]
    assert (stage, message.partition, message.key, message.value) == ("stage", 0, b"key", b"value")
    assert headers[0] == message.headers[0]
    assert rig.acknowledged == []
    rig.outbox.deliver()
    assert rig.acknowledged == [5]
    await rig.receive(900, headers)
    assert rig.began == ["q5"], "the copy is nothing new"
    assert rig.acknowledged == [5]
    await rig.finish()
    assert rig.acknowledged == [5], "not before what follows from it is delivered"
    rig.outbox.deliver()
    await settle()
    assert rig.acknowledged == [5, 900]


async def test_the_copy_may_come_before_the_word_that_it_was_delivered(rig: Rig) -> None:
    rig.move()
    await rig.receive(900, rig.copy())
    assert rig.acknowledged == []
    rig.outbox.deliver()
    assert rig.acknowledged == [5]
    await rig.finish()
    rig.outbox.deliver()
    await settle()
    assert rig.acknowledged == [5, 900]


async def test_the_copy_of_what_is_done_meanwhile_is_done(rig: Rig) -> None:
    rig.move()
    rig.outbox.deliver()
    await rig.finish()
    rig.outbox.deliver()
    await settle()
    assert rig.acknowledged == [5]
    await rig.receive(900, rig.copy())
    assert rig.acknowledged == [5, 900]


async def test_a_copy_that_comes_while_what_follows_is_under_way_waits_for_it(rig: Rig) -> None:
    rig.move()
    rig.outbox.deliver()
    await rig.finish()
    await rig.receive(900, rig.copy())
    assert rig.acknowledged == [5]
    rig.outbox.deliver()
    await settle()
    assert rig.acknowledged == [5, 900]


async def test_it_may_be_sent_again_once_more_when_its_copy_is_old(rig: Rig) -> None:
    rig.move()
    rig.outbox.deliver()
    assert rig.move() == 0, "its copy is under way"
    await rig.receive(900, rig.copy())
    assert rig.move(before=900) == 0
    assert rig.move(before=901) == 1
    assert [name for name, _ in rig.copy()].count(MOVED) == 1
    rig.outbox.deliver()
    assert rig.acknowledged == [5, 900]
    await rig.receive(1800, rig.copy())
    await rig.finish()
    rig.outbox.deliver()
    await settle()
    assert rig.acknowledged == [5, 900, 1800]


async def test_a_later_owner_reads_the_copy_as_a_record(rig: Rig) -> None:
    rig.move()
    rig.outbox.deliver()
    await rig.instance.revoke({0})
    await rig.receive(900, rig.copy(), generation=2)
    assert rig.began == ["q5", "q5"]


async def test_the_first_stays_in_hand_where_the_partition_is_lost_before_kafka_has_the_copy(rig: Rig) -> None:
    rig.move()
    await rig.instance.revoke({0})
    await rig.receive(5, generation=2)
    await rig.receive(900, rig.copy(), generation=2)
    assert rig.began == ["q5", "q5", "q5"], "both are read, and the core tells copies apart"


async def test_what_is_not_old_stays_where_it_is_and_so_do_many(rig: Rig) -> None:
    for offset in range(6, 9):
        await rig.receive(offset)
    assert rig.move(before=5) == 0
    assert rig.move(since=5, before=12) == 0, "4 of 7"
    assert not rig.outbox.repeated
    assert rig.move(since=0, before=8) == 0, "3 of 8"
    assert rig.move(since=0, before=12) == 0, "4 of 12"
    assert rig.move(since=0, before=16) == 4
