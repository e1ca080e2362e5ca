"""What the polling thread commits, and for whom."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from faust.types import TP

from alto_streams.progress import Progress
from alto_streams.runtime.transport.ownership import Ownership
from alto_streams.runtime.transport.poller import Poller

SETTINGS = {"bootstrap.servers": "127.0.0.1:1", "group.id": "g", "auto.offset.reset": "earliest", "log_level": 0}


class Kafka:
    def __init__(self) -> None:
        self.commits: list[list[TopicPartition]] = []

    def commit(self, offsets: list[TopicPartition]) -> None:
        self.commits.append(offsets)


class Receiver:
    def __init__(self) -> None:
        self.answers: list[Any] = []

    def committed(self, error: Any, partitions: list[TopicPartition]) -> None:
        self.answers.append((error, partitions))


def poller_of(*owners: Ownership) -> tuple[Any, Kafka, Receiver]:
    receiver, kafka = Receiver(), Kafka()
    poller: Any = Poller(SETTINGS, receiver, asyncio.get_running_loop())  # type: ignore[arg-type]
    poller._kafka.close()
    poller._kafka = kafka
    poller._owners = {owner.tp: owner for owner in owners}
    return poller, kafka, receiver


def owned(partition: int, attempt: int = 1) -> Ownership:
    return Ownership(TP("t", partition), Progress(0, attempt))


async def test_an_order_that_comes_after_the_partition_was_taken_over_anew_is_left_out() -> None:
    before, after, other = owned(0, 1), owned(0, 2), owned(1)
    poller, kafka, _ = poller_of(after, other)
    poller._commit([(before, TopicPartition("t", 0, 5)), (other, TopicPartition("t", 1, 6))])
    assert [(one.partition, one.offset) for offsets in kafka.commits for one in offsets] == [(1, 6)]


async def test_an_order_of_which_nothing_is_left_is_answered() -> None:
    poller, kafka, receiver = poller_of()
    poller._commit([(owned(0), TopicPartition("t", 0, 5))])
    await asyncio.sleep(0)
    assert not kafka.commits
    assert receiver.answers == [(None, [])]


async def test_a_stop_does_not_wait_for_a_last_commit_that_kafka_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alto_streams.runtime.transport.poller.STOP_LIMIT_S", 0.05)
    poller, _, _ = poller_of()
    never = threading.Event()
    poller._thread = threading.Thread(target=never.wait)
    poller._thread.start()
    try:
        await asyncio.wait_for(poller.stop(), 10)
    finally:
        never.set()
        poller._thread.join()
