"""Of two producers of one name, Kafka listens to the one that came last, and readers see whole transactions only."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from alto_streams.errors import BrokerError
from alto_streams.runtime.transport import transactional as module
from alto_streams.runtime.transport.transactional import Fenced, TransactionalProducer
from ops.kafka.embedded import EmbeddedKafka
from tests.transport.load import create

HEARD_S = 60.0


@pytest.fixture(autouse=True)
def only_ours(scheme: str) -> None:
    if scheme != "alto":
        pytest.skip("stock Faust has no such producer")


class Topic:
    """One partition, and transactional producers of one name for it."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap, self.name = bootstrap, f"transactions-{uuid4().hex[:8]}"
        self.settings = {"bootstrap.servers": bootstrap, "log_level": 0}
        self.broken: list[BrokerError] = []
        self._producers: list[TransactionalProducer] = []
        create(bootstrap, self.name, 1)

    async def producer(self) -> TransactionalProducer:
        made = TransactionalProducer(self.settings, self.name, self.broken.append)
        self._producers.append(made)
        await made.open()
        return made

    async def told(self, producer: TransactionalProducer, value: bytes) -> BaseException | None:
        """What whoever posts the value is told."""
        heard: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()
        producer.post(self.name, b"k", value, [("h", b"1")], heard.set_result)
        async with asyncio.timeout(HEARD_S):
            return await heard

    def read(self) -> list[bytes | None]:
        """What readers of committed records see."""
        consumer = Consumer({**self.settings, "group.id": "readers", "enable.partition.eof": True})
        try:
            consumer.assign([TopicPartition(self.name, 0, 0)])
            found: list[bytes | None] = []
            while (message := consumer.poll(10)) is not None:
                if (error := message.error()) is not None and error.code() == KafkaError._PARTITION_EOF:
                    return found
                assert error is None, error
                found.append(message.value())
            raise AssertionError("the topic's end did not come")
        finally:
            consumer.close()

    def dead(self, value: bytes) -> Producer:
        """A producer of the name that died in the middle of a transaction; keep it, or Kafka hears of its end."""
        producer = Producer({**self.settings, "transactional.id": self.name})
        producer.init_transactions(HEARD_S)
        producer.begin_transaction()
        producer.produce(self.name, value)
        assert producer.flush(HEARD_S) == 0
        return producer

    def close(self) -> None:
        for producer in self._producers:
            producer.close()


@contextmanager
def topic_of(bootstrap: str) -> Any:
    topic = Topic(bootstrap)
    try:
        yield topic
    finally:
        topic.close()


@pytest.fixture
def topic(kafka: EmbeddedKafka) -> Any:
    with topic_of(kafka.bootstrap) as topic:
        yield topic


async def test_what_is_posted_is_there_in_order_when_it_is_told(topic: Topic) -> None:
    producer, values = await topic.producer(), [str(i).encode() for i in range(50)]
    told = await asyncio.gather(*(topic.told(producer, value) for value in values[:30]))
    told += await asyncio.gather(*(topic.told(producer, value) for value in values[30:]))
    assert told == [None] * 50
    assert await asyncio.to_thread(topic.read) == values


async def test_who_comes_later_fences_who_was_there(topic: Topic) -> None:
    one = await topic.producer()
    assert await topic.told(one, b"one") is None
    other = await topic.producer()
    for value in (b"late", b"later"):
        assert isinstance(await topic.told(one, value), Fenced)
    assert await topic.told(other, b"other") is None
    assert await asyncio.to_thread(topic.read) == [b"one", b"other"]


async def test_what_a_dead_one_left_open_is_taken_back(topic: Topic) -> None:
    dead = await asyncio.to_thread(topic.dead, b"half")
    producer = await topic.producer()
    assert await topic.told(producer, b"whole") is None
    assert await asyncio.to_thread(topic.read) == [b"whole"]
    assert dead is not None


async def test_nobody_is_told_anything_of_a_closed_one(topic: Topic) -> None:
    producer, told = await topic.producer(), list[BaseException | None]()
    producer.post(topic.name, b"k", b"v", [], told.append)
    producer.close()
    producer.post(topic.name, b"k", b"v", [], told.append)
    await topic.producer()
    await asyncio.sleep(0.2)
    assert told == []


async def test_it_is_broken_where_it_is_fenced_and_not_closed(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WATCH_EVERY_S", 0.05)
    monkeypatch.setattr(module, "GIVEN_UP_WITHIN_S", 0.2)
    one = await topic.producer()
    await topic.producer()
    assert isinstance(await topic.told(one, b"late"), Fenced)
    assert topic.broken == []
    await asyncio.sleep(0.5)
    [error] = topic.broken
    assert f"'{topic.name}', but its partition is still owned here" in str(error)


async def test_a_record_that_kafka_refuses_is_told_and_ends_it(topic: Topic) -> None:
    topic.settings |= {"message.max.bytes": 2000}
    producer = await topic.producer()
    for value in (b"x" * 3000, b"small"):
        error = await topic.told(producer, value)
        assert isinstance(error, BrokerError)
        assert topic.name in error.message
    assert await asyncio.to_thread(topic.read) == []


async def test_it_goes_on_when_the_broker_was_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For longer than a transaction may take."""
    monkeypatch.setattr(module, "TRANSACTION_TIMEOUT_MS", 2000)
    with EmbeddedKafka(tmp_path / "kafka") as kafka, topic_of(kafka.bootstrap) as topic:
        producer = await topic.producer()
        assert await topic.told(producer, b"before") is None
        await asyncio.to_thread(kafka.stop)
        asked = asyncio.create_task(topic.told(producer, b"away"))
        await asyncio.sleep(4)
        assert not asked.done()
        await asyncio.to_thread(kafka.start)
        assert await asked is None
        assert await topic.told(producer, b"after") is None
        assert await asyncio.to_thread(topic.read) == [b"before", b"away", b"after"]


async def test_a_broker_that_cannot_be_reached_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OPEN_WITHIN_S", 0.5)
    producer = TransactionalProducer({"bootstrap.servers": "127.0.0.1:1", "log_level": 0}, "name", print)
    try:
        with pytest.raises(BrokerError, match="does not take the transactions of 'name'"):
            await producer.open()
    finally:
        producer.close()


async def test_whatever_is_wrong_with_a_record_is_told(topic: Topic) -> None:
    producer = await topic.producer()
    error = await topic.told(producer, "no bytes\udc80")  # type: ignore[arg-type]
    assert isinstance(error, BrokerError)
    assert "UnicodeEncodeError" in error.message
