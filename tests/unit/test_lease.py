"""A coordinator decides while Kafka has lately taken a commit of it, and asks where it has not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from alto_streams.plan import COORDINATOR
from alto_streams.runtime import lease as leases
from alto_streams.runtime.lease import Lease
from alto_streams.runtime.transport.clock import clock_s
from alto_streams.runtime.worker import Worker
from alto_streams.settings import Settings
from tests.pipelines.small import pipeline
from tests.transport.applications import until

LASTS_S = 1000.0


class Consumer:
    """Confirms when it has been asked so often."""

    def __init__(self, refusals: int = 0) -> None:
        self.confirmed_s, self.refusals, self.asked = clock_s() - 2 * LASTS_S, refusals, 0
        self.owned = {TP("in", 0)}

    def assignment(self) -> set[TP]:
        return self.owned

    async def confirm(self) -> bool:
        self.asked += 1
        if self.asked > self.refusals:
            self.confirmed_s = clock_s()
        return self.asked > self.refusals


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "ASK_AGAIN_S", 0)


async def test_a_lease_that_lasts_asks_nobody() -> None:
    consumer = Consumer()
    consumer.confirmed_s = clock_s() - LASTS_S / 2
    lease = Lease(consumer, LASTS_S)
    assert lease.valid
    await lease.hold()
    assert not consumer.asked


async def test_one_that_has_ended_is_asked_for_until_it_is_given() -> None:
    consumer = Consumer(refusals=3)
    lease = Lease(consumer, LASTS_S)
    assert not lease.valid
    await lease.hold()
    assert lease.valid
    assert consumer.asked == 4


async def test_who_has_lost_all_does_not_ask_for_ever() -> None:
    consumer = Consumer(refusals=10**9)
    lease = Lease(consumer, LASTS_S)
    held = asyncio.create_task(lease.hold())
    await until(lambda: consumer.asked > 3)
    consumer.owned = set()
    await held
    assert not lease.valid


async def test_it_is_renewed_before_it_ends() -> None:
    consumer = Consumer()
    consumer.confirmed_s = clock_s()
    lease = Lease(consumer, 0.2)
    keeping = asyncio.create_task(lease.keep())
    try:
        await until(lambda: consumer.asked > 1)
    finally:
        keeping.cancel()


async def test_a_record_waits_for_the_lease_and_is_dropped_where_its_partition_has_gone(tmp_path: Path) -> None:
    """As after the process stood still: of two records in hand, one is of a partition that Kafka gave to another."""
    worker = Worker(pipeline, pipeline.plan.stage(COORDINATOR), "0", Settings(brokers="127.0.0.1:1", home=tmp_path))
    consumer = Consumer(refusals=1)
    worker._lease = Lease(consumer, LASTS_S)
    received: list[str] = []

    async def receive(event: Any) -> None:
        assert consumer.asked == 2, "not before Kafka has confirmed"
        received.append(event.message.value)

    class Stream:
        def noack(self) -> Stream:
            return self

        async def events(self) -> AsyncIterator[Any]:
            for value, live in (("gone", False), ("ours", True)):
                consumer.confirmed_s -= 2 * LASTS_S if value == "gone" else 0
                yield SimpleNamespace(message=SimpleNamespace(value=value, owner=SimpleNamespace(live=live)))

    await worker._reader(receive)(Stream())
    assert received == ["ours"]
    assert worker._reason is None


def test_a_stage_that_is_no_coordinator_needs_none(tmp_path: Path) -> None:
    worker = Worker(pipeline, pipeline.plan.stage("rerank"), "0", Settings(brokers="127.0.0.1:1", home=tmp_path))
    assert worker._lease is None
