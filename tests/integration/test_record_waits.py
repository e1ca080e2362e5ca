"""A record that waits does not hold up its partition, however many follow it: on a real Kafka, with a short commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from alto_streams.ancestry import FIRST, Ancestry
from alto_streams.context import Context
from alto_streams.controller.publish import publish_routing
from alto_streams.pipeline import Pipeline, join
from alto_streams.record import HEADER, Kind, Record, encode_header
from alto_streams.runtime.instance import now_ms
from alto_streams.runtime.transport import consumer as transport
from alto_streams.runtime.worker import Worker
from alto_streams.settings import Settings
from alto_streams.supervisor.instances import partitions_of
from ops.kafka.embedded import EmbeddedKafka
from topics import names
from topics.definitions import definitions
from topics.provision import provision

FURTHEST = 64  # records beyond the first that is not done, in place of some 24,000
PAIRS = 300


async def split(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
    yield question


async def left(item: bytes, ctx: Context) -> bytes:
    return item


async def right(item: bytes, ctx: Context) -> bytes:
    return item


async def pair(one: bytes, other: bytes, ctx: Context) -> bytes:
    return one + other


pipeline = Pipeline("relocated", source=bytes)
items = pipeline.source.expand(split, "item")
pairs = join(items.map(left), items.map(right)).map(pair)
pipeline.output(pairs, "pair", conclude=lambda question, found, failure: b"")


class Bench:
    """Writes the input of the stage `pair`, and reads what it publishes."""

    def __init__(self, brokers: str) -> None:
        self.topic = names.stage_input(pipeline.name, "pair")
        self.producer = Producer({"bootstrap.servers": brokers})
        self.consumer = Consumer({"bootstrap.servers": brokers, "group.id": "bench", "enable.auto.commit": False})
        output = names.verified_claims(pipeline.name)
        self.consumer.assign([TopicPartition(output, number, 0) for number in range(4)])
        self.group = Consumer({"bootstrap.servers": brokers, "group.id": names.group(pipeline.name, "pair")})
        self.made: list[str] = []

    def write(self, question: str, port: int) -> None:
        record = Record(Kind.ITEM, port, Ancestry(question).child(0, FIRST), 1, now_ms() + 600_000, b"x")
        self.producer.produce(self.topic, b"x", partition=0, headers=[(HEADER, encode_header(record))])
        self.producer.poll(0)

    def read(self) -> None:
        while (message := self.consumer.poll(0)) is not None:
            assert message.error() is None
            self.made.append((message.key() or b"").decode())

    def left(self) -> int:
        """Records of the topic that are not committed yet."""
        partition = TopicPartition(self.topic, 0)
        end = self.group.get_watermark_offsets(partition, timeout=10)[1]
        return end - self.group.committed([partition], timeout=10)[0].offset

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not holds():
                self.read()
                await asyncio.sleep(0.05)


async def test_what_waits_does_not_hold_up_what_follows(
    kafka: EmbeddedKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "FURTHEST", FURTHEST)
    partitions = partitions_of({stage.name: 1 for stage in pipeline.plan.stages})
    provision(kafka.bootstrap, definitions(pipeline.name, partitions))
    publish_routing(kafka.bootstrap, pipeline.name, partitions)
    configured = Settings(brokers=kafka.bootstrap, home=tmp_path, group_protocol="consumer")
    worker = Worker(pipeline, pipeline.plan.stage("pair"), "0", configured)
    bench = Bench(kafka.bootstrap)
    try:
        await worker.start()
        bench.write("waits", port=0)
        for i in range(PAIRS):
            bench.write(f"{i}", port=0)
            bench.write(f"{i}", port=1)
        await bench.until(lambda: len(bench.made) == PAIRS)
        assert sorted(bench.made, key=int) == [f"{i}" for i in range(PAIRS)]
        bench.write("waits", port=1)
        await bench.until(lambda: len(bench.made) == PAIRS + 1)
        assert bench.made[-1] == "waits"
        await bench.until(lambda: bench.left() == 0)
        assert worker._reason is None
    finally:
        await worker.stop()
        bench.consumer.close()
        bench.group.close()
