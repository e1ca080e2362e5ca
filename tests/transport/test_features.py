"""What Faust applications do every day works the same on the transport under test."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import faust
import pytest

from ops.kafka.embedded import EmbeddedKafka
from tests.transport.applications import make_app, raw_topic, running, until
from tests.transport.load import Committed, fill

RECORDS = 60
VALUES = sorted(str(i).encode() for i in range(RECORDS))


class Claim(faust.Record, serializer="json"):
    text: str
    score: float


@pytest.fixture
def topic(kafka: EmbeddedKafka, fresh: Callable[[int], str]) -> str:
    """Three partitions with `RECORDS` records."""
    name = fresh(3)
    fill(kafka.bootstrap, name, 3, RECORDS)
    return name


@pytest.fixture
def app(url: str, topic: str, datadir: str) -> Any:
    return make_app(url, topic, datadir)


async def test_an_agent_that_acknowledges_by_itself_commits_all(kafka: EmbeddedKafka, app: Any, topic: str) -> None:
    seen: list[bytes] = []

    async def consume(stream: Any) -> None:
        async for value in stream:
            seen.append(value)

    app.agent(raw_topic(app, topic))(consume)
    async with running(app):
        await until(lambda: len(seen) == RECORDS)
        await until(lambda: sum(Committed(kafka.bootstrap, topic, topic).offsets.values()) == RECORDS, 10)
    assert sorted(seen) == VALUES


async def test_a_stop_commits_what_was_acknowledged_last(
    kafka: EmbeddedKafka, url: str, topic: str, datadir: str
) -> None:
    app = make_app(url, topic, datadir, broker_commit_interval=60.0)
    seen: list[bytes] = []

    async def consume(stream: Any) -> None:
        async for value in stream:
            seen.append(value)

    app.agent(raw_topic(app, topic))(consume)
    async with running(app):
        await until(lambda: len(seen) == RECORDS)
        await asyncio.sleep(0.1)  # the last one is acknowledged after it was seen
    assert sum(Committed(kafka.bootstrap, topic, topic).offsets.values()) == RECORDS


async def test_two_agents_on_one_topic_both_get_all(kafka: EmbeddedKafka, app: Any, topic: str) -> None:
    seen: Counter[str] = Counter()
    shared = raw_topic(app, topic)

    async def first(stream: Any) -> None:
        async for _ in stream:
            seen["first"] += 1

    async def second(stream: Any) -> None:
        async for _ in stream:
            await asyncio.sleep(0.005)
            seen["second"] += 1

    app.agent(shared, name="first")(first)
    app.agent(shared, name="second")(second)
    async with running(app):
        await until(lambda: seen == {"first": RECORDS, "second": RECORDS})
        await until(lambda: sum(Committed(kafka.bootstrap, topic, topic).offsets.values()) == RECORDS, 10)


async def test_two_topics_of_one_app(kafka: EmbeddedKafka, app: Any, topic: str, fresh: Callable[[int], str]) -> None:
    other = fresh(2)
    fill(kafka.bootstrap, other, 2, 10)
    seen: Counter[str] = Counter()

    async def consume(stream: Any) -> None:
        async for event in stream.events():
            seen[event.message.topic] += 1

    app.agent(raw_topic(app, topic), name="one")(consume)
    app.agent(raw_topic(app, other), name="two")(consume)
    async with running(app):
        await until(lambda: seen == {topic: RECORDS, other: 10})


async def test_concurrent_actors_share_the_records(app: Any, topic: str) -> None:
    seen: list[tuple[int, bytes]] = []

    async def consume(stream: Any) -> None:
        async for value in stream:
            await asyncio.sleep(0.005)
            seen.append((id(stream), value))

    app.agent(raw_topic(app, topic), concurrency=2)(consume)
    async with running(app):
        await until(lambda: len(seen) == RECORDS)
    assert sorted(value for _, value in seen) == VALUES
    assert len({stream for stream, _ in seen}) == 2


async def test_isolated_partitions_have_an_actor_each(app: Any, topic: str) -> None:
    seen: list[tuple[int, int]] = []

    async def consume(stream: Any) -> None:
        async for event in stream.events():
            seen.append((id(stream), event.message.partition))

    app.agent(raw_topic(app, topic), isolated_partitions=True)(consume)
    async with running(app):
        await until(lambda: len(seen) == RECORDS)
    assert len(set(seen)) == 3
    assert {partition for _, partition in seen} == {0, 1, 2}


@pytest.mark.parametrize("noack", [False, True])
async def test_taking_several_at_once(kafka: EmbeddedKafka, app: Any, topic: str, noack: bool) -> None:
    taken: list[int] = []

    async def consume(stream: Any) -> None:
        if noack:
            async for events in stream.noack_take(8, within=0.5):
                taken.append(len(events))
                for event in events:
                    event.ack()
        else:
            async for values in stream.take(8, within=0.5):
                taken.append(len(values))

    app.agent(raw_topic(app, topic))(consume)
    async with running(app):
        await until(lambda: sum(taken) == RECORDS)
        await until(lambda: sum(Committed(kafka.bootstrap, topic, topic).offsets.values()) == RECORDS, 10)
    assert max(taken) <= 8
    assert taken[-1] == RECORDS % 8


async def test_topics_and_agents_are_sent_to_in_each_way(app: Any, fresh: Callable[[int], str]) -> None:
    claims = app.topic(fresh(2), key_type=str, key_serializer="raw", value_type=Claim, value_serializer="json")
    seen: list[Claim] = []

    async def consume(stream: Any) -> None:
        async for claim in stream:
            seen.append(claim)

    agent = app.agent(claims)(consume)
    wanted = [Claim(text=text, score=score) for text, score in (("send", 0.5), ("soon", 1.5), ("cast", 2.5))]
    async with running(app):
        await (await claims.send(key="k", value=wanted[0]))
        claims.send_soon(key="k", value=wanted[1])
        await agent.cast(wanted[2])
        await until(lambda: len(seen) == 3)
    assert {(claim.text, claim.score) for claim in seen} == {(claim.text, claim.score) for claim in wanted}
    assert all(isinstance(claim, Claim) for claim in seen)


async def test_a_failing_agent_goes_on_with_the_next_record(app: Any, topic: str) -> None:
    seen: list[bytes] = []

    async def consume(stream: Any) -> None:
        async for value in stream:
            if value == b"30":
                raise ValueError("told to fail")
            seen.append(value)

    app.agent(raw_topic(app, topic))(consume)
    async with running(app):
        await until(lambda: len(seen) == RECORDS - 1)
    assert sorted([*seen, b"30"]) == VALUES


async def test_an_agent_answers(url: str, fresh: Callable[[int], str], datadir: str) -> None:
    topic = fresh(2)
    app = make_app(url, topic, datadir, reply_create_topic=True, topic_allow_declare=True)

    async def double(stream: Any) -> Any:
        async for value in stream:
            yield value * 2

    agent = app.agent(app.topic(topic, value_type=int, value_serializer="json"))(double)
    async with running(app):
        async with asyncio.timeout(30):
            assert [await agent.ask(number) for number in (1, 2, 3)] == [2, 4, 6]


async def test_a_table_is_refused_with_the_mend(app: Any, topic: str) -> None:
    async def consume(stream: Any) -> None:
        async for _ in stream:
            pass

    async def use() -> None:
        app.Table("counts", default=int)
        app.agent(raw_topic(app, topic))(consume)
        async with running(app):
            await asyncio.sleep(0)

    with pytest.raises(Exception, match="kafka://"):
        await use()


async def test_a_stream_over_a_channel_in_memory(app: Any, topic: str) -> None:
    inside, seen = app.channel(value_type=int), list[int]()

    async def pass_on(stream: Any) -> None:
        async for value in stream:
            await inside.send(value=int(value))

    async def consume(stream: Any) -> None:
        async for value in stream:
            seen.append(value)

    app.agent(raw_topic(app, topic))(pass_on)
    app.agent(inside)(consume)
    async with running(app):
        await until(lambda: len(seen) == RECORDS)
    assert sorted(seen) == sorted(int(value) for value in VALUES)
