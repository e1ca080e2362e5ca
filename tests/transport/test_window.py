"""A record that is not acknowledged for long: its partition goes on until a commit could hold no more, then waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from alto_streams.progress import window
from ops.kafka.embedded import EmbeddedKafka
from tests.transport.applications import make_app, raw_topic, running, until
from tests.transport.load import Committed, fill

RECORDS = 30_000  # more than the metadata of one commit can tell apart


async def test_a_partition_waits_for_its_oldest_record_and_loses_nothing(
    kafka: EmbeddedKafka, url: str, fresh: Callable[[int], str], datadir: str
) -> None:
    topic = fresh(1)
    fill(kafka.bootstrap, topic, 1, RECORDS)
    app = make_app(url, topic, datadir)
    seen: list[int] = []
    oldest: list[Any] = []

    async def consume(stream: Any) -> None:
        async for event in stream.noack().events():
            seen.append(event.message.offset)
            if event.message.offset % 2:  # every second one, so that the runs are as many as can be
                event.ack()
            else:
                oldest.append(event)

    app.agent(raw_topic(app, topic))(consume)
    async with running(app):
        await until(lambda: len(seen) > 20_000, 60)
        await asyncio.sleep(2)
        held_at = len(seen)
        assert held_at <= window(4096)
        committed = Committed(kafka.bootstrap, topic, topic)
        assert committed.offsets == {0: 0}
        assert committed.done() == {(0, offset) for offset in range(1, held_at, 2)}
        for event in oldest:
            event.ack()
        oldest.clear()
        await until(lambda: len(seen) == RECORDS, 60)
        for event in oldest:
            event.ack()
        await until(lambda: Committed(kafka.bootstrap, topic, topic).offsets == {0: RECORDS}, 10)
    assert seen == list(range(RECORDS))
