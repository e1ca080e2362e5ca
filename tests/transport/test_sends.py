"""What an app sends arrives as it was given, or its sender hears why not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from ops.kafka.embedded import EmbeddedKafka
from tests.transport.applications import COMMIT_EVERY_S, make_app, raw_topic, running, until
from tests.transport.load import Committed, create, fill, stored
from topics.definitions import TopicDefinition
from topics.provision import provision

HEARD_S = 30  # an error that comes later has not reached its sender


def read(bootstrap: str, topic: str, partitions: int) -> list[Message]:
    """Every record of a topic, in order within each partition."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "read", "enable.auto.commit": False})
    try:
        consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
        found: list[Message] = []
        for _ in stored(bootstrap, topic, partitions):
            message = consumer.poll(10)
            assert message is not None
            assert message.error() is None, message.error()
            found.append(message)
        return found
    finally:
        consumer.close()


class Receiver:
    """An app with one agent that keeps the messages that it gets."""

    def __init__(self, url: str, topic: str, datadir: str) -> None:
        self.app = make_app(url, topic, datadir)
        self.messages: list[Any] = []
        self.topic = raw_topic(self.app, topic)
        self.app.agent(self.topic)(self._consume)

    async def _consume(self, stream: Any) -> None:
        async for event in stream.events():
            self.messages.append(event.message)


async def test_everything_of_a_record_is_kept_from_end_to_end(
    url: str, fresh: Callable[[int], str], datadir: str
) -> None:
    receiver = Receiver(url, fresh(3), datadir)
    at = 1_700_000_000.125
    async with running(receiver.app):
        headers = [("alto", b"\x00\xff"), ("twice", b"1"), ("twice", b"2"), ("empty", b"")]
        await (await receiver.topic.send(key=b"k\x00", value=b"\xfev", partition=2, timestamp=at, headers=headers))
        await (await receiver.topic.send(key=None, value=b"", partition=1, headers={"a": b"b"}))
        await until(lambda: len(receiver.messages) == 2)
    first, second = sorted(receiver.messages, key=lambda message: -message.partition)
    assert (first.partition, first.key, first.value, first.timestamp) == (2, b"k\x00", b"\xfev", at)
    assert (first.offset, list(first.headers)) == (0, headers)
    assert (second.partition, second.key, second.value, list(second.headers)) == (1, None, b"", [("a", b"b")])
    assert abs(second.timestamp - time.time()) < 60


async def test_the_answer_to_a_send_names_the_record(
    kafka: EmbeddedKafka, url: str, fresh: Callable[[int], str], datadir: str
) -> None:
    topic = fresh(2)
    app = make_app(url, topic, datadir)
    await app.maybe_start_producer()
    try:
        for offset in range(3):
            answer = await (await app.producer.send(topic, b"k", b"v", 1, None, None))
            assert (answer.topic, answer.partition, answer.offset) == (topic, 1, offset)
        answer = await app.producer.send_and_wait(topic, b"k", b"v", 0, None, None)
        assert (answer.partition, answer.offset) == (0, 0)
    finally:
        await app.producer.stop()


async def test_records_of_a_foreign_client_are_kept_whole(
    kafka: EmbeddedKafka, url: str, fresh: Callable[[int], str], datadir: str
) -> None:
    receiver = Receiver(url, fresh(1), datadir)
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce(receiver.topic.get_topic_name(), b"v", b"k", headers=[("h", b"1"), ("none", None)], timestamp=5000)
    assert producer.flush(10) == 0
    async with running(receiver.app):
        await until(lambda: bool(receiver.messages))
    message = receiver.messages[0]
    assert (message.key, message.value, message.timestamp) == (b"k", b"v", 5.0)
    assert list(message.headers) == [("h", b"1"), ("none", None)]


async def test_a_partition_just_added_can_be_sent_to(
    kafka: EmbeddedKafka, url: str, fresh: Callable[[int], str], datadir: str
) -> None:
    topic = fresh(1)
    app = make_app(url, topic, datadir)
    await app.maybe_start_producer()
    try:
        await (await app.producer.send(topic, b"k", b"before", 0, None, None))
        create(kafka.bootstrap, topic, 3)
        sent = [await app.producer.send(topic, b"k", b"after", 2, None, None) for _ in range(3)]
        async with asyncio.timeout(5):
            answers = [await one for one in sent]
        assert [(answer.partition, answer.offset) for answer in answers] == [(2, 0), (2, 1), (2, 2)]
    finally:
        await app.producer.stop()


async def test_a_topic_that_does_not_exist_is_an_error_for_its_sender_alone(
    kafka: EmbeddedKafka, url: str, fresh: Callable[[int], str], datadir: str
) -> None:
    receiver = Receiver(url, fresh(1), datadir)
    async with running(receiver.app) as app:
        with pytest.raises(Exception, match=r"(?i)topic|partition") as heard:
            async with asyncio.timeout(HEARD_S):
                await (await app.producer.send("no-such-topic", b"k", b"v", None, None, None))
        assert not isinstance(heard.value, TimeoutError)
        await (await receiver.topic.send(value=b"good"))
        await until(lambda: [message.value for message in receiver.messages] == [b"good"])


async def test_a_send_that_is_cancelled_holds_no_commit_up(
    kafka: EmbeddedKafka, url: str, fresh: Callable[[int], str], datadir: str
) -> None:
    topic = fresh(1)
    receiver = Receiver(url, topic, datadir)
    async with running(receiver.app) as app:
        await (await receiver.topic.send(value=b"first"))
        waiting = asyncio.create_task(app.producer.send(topic, b"k", b"v", 7, None, None))
        await asyncio.sleep(0.3)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled() or waiting.exception()
        await (await receiver.topic.send(value=b"second"))
        await until(lambda: Committed(kafka.bootstrap, topic, topic).offsets == {0: 2})


@pytest.mark.parametrize("size", [3_000, 3_000_000], ids=["for the topic", "for the producer"])
async def test_a_record_too_large_is_an_error_for_its_sender_alone(
    size: int, kafka: EmbeddedKafka, url: str, fresh: Callable[[int], str], datadir: str
) -> None:
    receiver = Receiver(url, fresh(1), datadir)
    narrow = f"{receiver.topic.get_topic_name()}-narrow"
    provision(kafka.bootstrap, [TopicDefinition(narrow, 1, {"max.message.bytes": "2000"})])
    async with running(receiver.app) as app:
        with pytest.raises(Exception, match=r"(?i)size|large|bytes") as heard:
            async with asyncio.timeout(HEARD_S):
                await (await app.producer.send(narrow, b"k", b"x" * size, 0, None, None))
        assert not isinstance(heard.value, TimeoutError)
        await (await app.producer.send(narrow, b"k", b"small", 0, None, None))
        await (await receiver.topic.send(value=b"good"))
        await until(lambda: [message.value for message in receiver.messages] == [b"good"])
    assert [message.value() for message in read(kafka.bootstrap, narrow, 1)] == [b"small"]


async def test_a_stop_delivers_what_was_sent_in_order(
    kafka: EmbeddedKafka, url: str, fresh: Callable[[int], str], datadir: str
) -> None:
    topic = fresh(1)
    app = make_app(url, topic, datadir)
    await app.maybe_start_producer()
    wanted = [str(i).encode() for i in range(5000)]
    for value in wanted:
        await app.producer.send(topic, None, value, 0, None, None)
    await app.producer.stop()
    assert [message.value() for message in read(kafka.bootstrap, topic, 1)] == wanted


async def test_a_stop_of_the_app_delivers_what_an_agent_sent_last(
    kafka: EmbeddedKafka, url: str, fresh: Callable[[int], str], datadir: str
) -> None:
    topic = fresh(1)
    out = fresh(1)
    app = make_app(url, topic, datadir)
    sent = asyncio.Event()

    async def consume(stream: Any) -> None:
        async for value in stream:
            for i in range(1000):
                await app.producer.send(out, None, value + str(i).encode(), 0, None, None)
            sent.set()

    app.agent(raw_topic(app, topic))(consume)
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce(topic, b"v")
    assert producer.flush(10) == 0
    async with running(app):
        await asyncio.wait_for(sent.wait(), 30)
    assert len(read(kafka.bootstrap, out, 1)) == 1000


async def test_a_commit_waits_for_what_was_sent_before_it(
    kafka: EmbeddedKafka, url: str, fresh: Callable[[int], str], datadir: str, scheme: str
) -> None:
    """An agent that waits for no delivery: its record must come again as long as its output may be lost."""
    if scheme != "alto":
        pytest.skip("only alto:// takes librdkafka's linger from the URL")
    topic, outbox = fresh(1), fresh(1)
    fill(kafka.bootstrap, topic, 1, 20)
    app = make_app(f"{url}?linger.ms=3000", topic, datadir)
    target, sent = raw_topic(app, outbox), list[bytes]()

    async def forward(stream: Any) -> None:
        async for value in stream:
            await target.send(value=value)
            sent.append(value)

    app.agent(raw_topic(app, topic))(forward)
    async with running(app):
        await until(lambda: len(sent) == 20)
        await asyncio.sleep(4 * COMMIT_EVERY_S)
        assert not stored(kafka.bootstrap, outbox, 1)
        assert Committed(kafka.bootstrap, topic, topic).offsets == {0: 0}
        await until(lambda: len(stored(kafka.bootstrap, outbox, 1)) == 20)
        await until(lambda: Committed(kafka.bootstrap, topic, topic).offsets == {0: 20})
