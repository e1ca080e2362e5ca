"""One stage instance without Kafka: what it acknowledges, and when it must not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from alto_streams.context import Context
from alto_streams.effects import Publish, Send
from alto_streams.failure import Failure
from alto_streams.record import Kind
from alto_streams.runtime import instance as module
from alto_streams.runtime.instance import now_ms
from tests.unit.rig import Rig, settle, two


async def test_acknowledges_when_everything_is_delivered_and_not_before() -> None:
    rig = Rig(two)
    await rig.receive(7)
    assert rig.outbox.kinds() == [Kind.ITEM, Kind.ITEM, Kind.COUNT]
    assert rig.acknowledged == []
    rig.outbox.deliver()
    await settle()
    assert rig.acknowledged == [7]


async def test_a_run_that_waits_for_its_deliveries_takes_no_slot_from_the_next() -> None:
    rig = Rig(two)
    assert rig.instance.stage.slots == 1
    await rig.receive(7)
    await rig.receive(8)
    assert len(rig.outbox.kinds()) == 6
    assert rig.acknowledged == []
    rig.outbox.deliver()
    await settle()
    assert rig.acknowledged == [7, 8]


@pytest.mark.parametrize("streaming", [True, False])
async def test_without_streaming_nothing_leaves_before_the_function_has_ended(streaming: bool) -> None:
    go_on = asyncio.Event()

    async def pauses(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
        yield b"1"
        await go_on.wait()
        yield b"2"

    rig = Rig(pauses, streaming)
    await rig.receive(7)
    assert rig.outbox.kinds() == ([Kind.ITEM] if streaming else [])
    go_on.set()
    await settle()
    assert rig.outbox.kinds() == [Kind.ITEM, Kind.ITEM, Kind.COUNT]


@pytest.mark.parametrize("streaming", [True, False])
async def test_without_streaming_no_result_so_far_is_published(streaming: bool) -> None:
    rig = Rig(two, streaming)
    early, late = (Publish("progress", "sum", "q", "", b"1", final=final) for final in (False, True))
    await rig.instance.perform([early, late])
    assert rig.outbox.taken == ([early, late] if streaming else [late])


async def test_a_record_for_a_port_that_the_stage_has_not_fails_its_question() -> None:
    rig = Rig(two)
    await rig.receive(7, port=3)
    (told,) = [Failure.decode(sent.record.value) for sent in rig.outbox.taken if isinstance(sent, Send)]
    assert (told.stage, told.kind) == ("stage", "unknown_port")
    assert told.message.endswith("no input port 3: it has 1. Mend: run one version of the pipeline on all stages")


async def test_a_record_that_kafka_does_not_take_stops_the_process_and_is_not_acknowledged() -> None:
    rig = Rig(two)
    rig.outbox.refuses = True
    await rig.receive(7)
    assert len(rig.fatal) == 1
    assert rig.acknowledged == []


async def test_a_delivery_that_fails_stops_the_process_and_is_not_acknowledged() -> None:
    rig = Rig(two)
    await rig.receive(7)
    rig.outbox.deliver(OSError("lost"))
    await settle()
    assert len(rig.fatal) == 1
    assert rig.acknowledged == []


async def test_a_revoked_run_is_cancelled_and_not_acknowledged() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def slow(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
        started.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        yield b""

    rig = Rig(slow)
    await rig.receive(7)
    assert started.is_set()
    await rig.instance.revoke({0})
    await settle()
    assert cancelled.is_set()
    assert rig.acknowledged == []


async def test_the_end_of_a_question_stops_its_runs_and_what_waits_for_their_slot() -> None:
    begun, cancelled = list[str](), list[str]()

    async def slow(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
        begun.append(ctx.question_id)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(ctx.question_id)
            raise
        yield b""

    rig = Rig(slow)  # one slot
    for offset, question in enumerate(("failed", "failed", "good")):
        await rig.receive(offset, question=question)
    assert begun == ["failed"]
    await rig.receive(3, question="failed", kind=Kind.ENDED)
    assert cancelled == ["failed"]
    assert begun == ["failed", "good"]
    assert sorted(rig.acknowledged) == [0, 1, 3]
    await rig.receive(4, question="failed")
    await rig.receive(5, question="failed", kind=Kind.ENDED)
    assert rig.acknowledged[3:] == [4, 5]
    assert begun == ["failed", "good"]
    await rig.instance.close()


async def test_not_everything_is_read_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AHEAD", 2)
    go = asyncio.Event()

    async def waiting(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
        await go.wait()
        yield b""

    rig = Rig(waiting)
    await rig.receive(0)
    await rig.receive(1)
    full = asyncio.create_task(rig.receive(2))
    await settle()
    assert not full.done()
    go.set()
    await settle()
    rig.outbox.deliver()  # the first run ends, and the second one has its slot
    await full
    await rig.instance.close()


async def test_past_its_deadline_a_run_stops_and_leaves_the_rest_to_the_coordinator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def slow(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
        await asyncio.sleep(60)
        yield b""

    monkeypatch.setattr(module, "EXPIRE_EVERY_S", 0.01)
    rig = Rig(slow)  # one slot
    await rig.receive(7, deadline=now_ms() + 30)
    await rig.receive(8, deadline=now_ms() + 30)
    await rig.receive(9)
    looking = asyncio.create_task(rig.instance.expire_forever())
    await asyncio.sleep(0.2)
    looking.cancel()
    assert sorted(rig.acknowledged) == [7, 8]
    assert rig.outbox.taken == []
    await rig.instance.close()


async def test_an_unreadable_record_is_kept_and_acknowledged() -> None:
    rig = Rig(two)
    await rig.receive(7, header=b"\x63")
    assert rig.acknowledged == []
    rig.outbox.deliver()
    assert rig.acknowledged == [7]
    assert rig.outbox.taken == []


async def test_an_admission_that_kafka_does_not_take_is_heard_of() -> None:
    rig = Rig(two)
    sending = asyncio.create_task(rig.instance.carry_out([Publish("progress", "sum", "q", "", b"1")]))
    await settle()
    assert not sending.done()
    rig.outbox.deliver(OSError("lost"))
    with pytest.raises(OSError, match="lost"):
        await sending
    await settle()
    assert len(rig.fatal) == 1


async def test_what_a_list_sent_before_it_began_a_run_is_delivered_before_the_run_is_acknowledged() -> None:
    async def none(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
        return
        yield b""

    rig = Rig(none)
    told = Publish("progress", "sum", "q", "", b"1")
    receive = rig.instance.logic.receive
    rig.instance.logic.receive = lambda *given: [told, *receive(*given)]  # type: ignore[method-assign]
    await rig.receive(7)
    assert rig.outbox.kinds() == [Kind.COUNT]
    first, rest = rig.outbox.open[0], rig.outbox.open[1:]
    for settlement in rest:
        settlement.delivered()
    await settle()
    assert rig.acknowledged == []
    first.delivered()
    await settle()
    assert rig.acknowledged == [7]


async def test_who_sends_more_than_kafka_takes_waits() -> None:
    room = asyncio.Event()
    rig = Rig(two)

    async def wait_for_room() -> None:
        await room.wait()

    rig.outbox.crowded, rig.outbox.room = True, wait_for_room  # type: ignore[attr-defined]
    receiving = asyncio.create_task(rig.receive(7))
    await settle()
    assert rig.outbox.kinds() == [Kind.ITEM]
    assert not receiving.done()
    rig.outbox.crowded = False
    room.set()
    await receiving
    assert rig.outbox.kinds() == [Kind.ITEM, Kind.ITEM, Kind.COUNT]
