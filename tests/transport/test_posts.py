"""What is posted, without a coroutine and a future for each record, arrives in order, or who posted hears why not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from alto_streams.runtime.transport import producer as module
from ops.kafka.embedded import EmbeddedKafka
from tests.transport.applications import COMMIT_EVERY_S, make_app, raw_topic, running, until
from tests.transport.load import Committed, create, fill, stored
from tests.transport.test_sends import HEARD_S, read
from topics.definitions import TopicDefinition
from topics.provision import provision


@pytest.fixture(autouse=True)
def only_ours(scheme: str) -> None:
    if scheme != "alto":
        pytest.skip("stock Faust has no such call")


@asynccontextmanager
async def posting(url: str, topic: str, datadir: str) -> AsyncIterator[Any]:
    """A started producer, stopped at the end."""
    app = make_app(url, topic, datadir)
    await app.maybe_start_producer()
    try:
        yield app.producer
    finally:
        await app.producer.stop()


async def told(producer: Any, topic: str, value: bytes = b"v", partition: int | None = 0) -> BaseException | None:
    """What whoever posts a record is told of it."""
    heard: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()
    producer.post(topic, b"k", value, partition, [("h", b"1")], heard.set_result)
    async with asyncio.timeout(HEARD_S):
        return await heard


async def test_a_record_arrives_whole(
    kafka: EmbeddedKafka, url: str, fresh: Callable[[int], str], datadir: str
) -> None:
    topic = fresh(3)
    async with posting(url, topic, datadir) as producer:
        assert await told(producer, topic, b"one", 2) is None
        assert await told(producer, topic, b"two", None) is None
    found = {message.value(): message for message in read(kafka.bootstrap, topic, 3)}
    assert (found[b"one"].partition(), found[b"one"].key(), found[b"one"].headers()) == (2, b"k", [("h", b"1")])
    assert b"two" in found


@pytest.mark.parametrize("room", [100_000, 7], ids=["with room", "through a queue that is always full"])
async def test_a_stop_delivers_what_was_posted_in_order(
    room: int, kafka: EmbeddedKafka, url: str, fresh: Callable[[int], str], datadir: str
) -> None:
    topic, heard = fresh(1), list[BaseException | None]()
    wanted = [str(i).encode() for i in range(3000)]
    async with posting(f"{url}?queue.buffering.max.messages={room}", topic, datadir) as producer:
        for number, value in enumerate(wanted):
            producer.post(topic, None, value, 0, [], heard.append)
            if number % 100 == 0:
                await asyncio.sleep(0)
            if producer.crowded:
                await producer.room()
    assert [message.value() for message in read(kafka.bootstrap, topic, 1)] == wanted
    assert heard == [None] * len(wanted)


async def test_who_posts_more_than_librdkafka_takes_is_told_to_wait(
    url: str, fresh: Callable[[int], str], datadir: str
) -> None:
    topic = fresh(1)
    async with posting(f"{url}?queue.buffering.max.messages=7", topic, datadir) as producer:
        for _ in range(module.CROWD + 10):
            producer.post(topic, None, b"v", 0, [], lambda error: None)
        assert producer.crowded
        await producer.room()
        assert not producer.crowded


async def test_a_partition_just_added_can_be_posted_to(
    kafka: EmbeddedKafka, url: str, fresh: Callable[[int], str], datadir: str
) -> None:
    topic = fresh(1)
    async with posting(url, topic, datadir) as producer:
        assert await told(producer, topic) is None
        create(kafka.bootstrap, topic, 3)
        assert await told(producer, topic, b"after", 2) is None
    assert b"after" in [message.value() for message in read(kafka.bootstrap, topic, 3)]


async def test_what_kafka_does_not_take_is_told_to_who_posted_it_alone(
    kafka: EmbeddedKafka, url: str, fresh: Callable[[int], str], datadir: str
) -> None:
    topic = fresh(1)
    narrow = f"{topic}-narrow"
    provision(kafka.bootstrap, [TopicDefinition(narrow, 1, {"max.message.bytes": "2000"})])
    async with posting(url, topic, datadir) as producer:
        bad = (
            told(producer, narrow, b"x" * 3_000),
            told(producer, narrow, b"x" * 3_000_000),
            told(producer, "no-such-topic", partition=None),
            told(producer, topic, partition=7),
        )
        *errors, good = await asyncio.gather(*bad, told(producer, topic, b"good"))
        assert all(isinstance(error, module.ProducerSendError) for error in errors), errors
        assert good is None
        await asyncio.wait_for(producer.flush(), HEARD_S)


async def test_a_commit_waits_for_what_was_posted_before_it(
    kafka: EmbeddedKafka, url: str, fresh: Callable[[int], str], datadir: str
) -> None:
    """An agent that waits for no delivery: its record must come again as long as its output may be lost."""
    topic, outbox, posted = fresh(1), fresh(1), list[bytes]()
    fill(kafka.bootstrap, topic, 1, 20)
    app = make_app(f"{url}?linger.ms=3000", topic, datadir)

    async def forward(stream: Any) -> None:
        async for value in stream:
            app.producer.post(outbox, None, value, 0, [], lambda error: None)
            posted.append(value)

    app.agent(raw_topic(app, topic))(forward)
    async with running(app):
        await until(lambda: len(posted) == 20)
        await asyncio.sleep(4 * COMMIT_EVERY_S)
        assert not stored(kafka.bootstrap, outbox, 1)
        assert Committed(kafka.bootstrap, topic, topic).offsets == {0: 0}
        await until(lambda: len(stored(kafka.bootstrap, outbox, 1)) == 20)
        await until(lambda: Committed(kafka.bootstrap, topic, topic).offsets == {0: 20})
