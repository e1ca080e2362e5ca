"""Whether Kafka still has a consumer for a member, as its commits tell it: what a coordinator's lease rests on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alto_streams.runtime.transport.clock import clock_s
from tests.transport.applications import make_app, raw_topic, running, until

POLL_LIMIT_S = 3.0  # a consumer that does not poll for so long is out


def member(url: str, topic: str, datadir: Path) -> Any:
    app = make_app(url, topic, str(datadir), broker_max_poll_interval=POLL_LIMIT_S)

    async def read(stream: Any) -> None:
        async for _ in stream:
            pass

    app.agent(raw_topic(app, topic))(read)
    return app


async def test_a_commit_of_what_is_committed_already_is_taken_of_a_member(
    url: str, fresh: Callable[[int], str], tmp_path: Path
) -> None:
    topic = fresh(1)
    async with running(member(url, topic, tmp_path)) as app:
        begun = clock_s()
        assert app.consumer.confirmed_s < begun
        await until(lambda: bool(app.consumer.assignment()))
        assert await app.consumer.confirm()
        assert begun <= app.consumer.confirmed_s <= clock_s()


async def test_it_is_not_taken_of_one_that_was_replaced_and_does_not_know_yet(
    member_url: str, fresh: Callable[[int], str], tmp_path: Path
) -> None:
    topic = fresh(2)
    first, second = member(member_url, topic, tmp_path / "1"), member(member_url, topic, tmp_path / "2")
    async with running(first), running(second):
        await until(lambda: len(first.consumer.assignment()) == len(second.consumer.assignment()) == 1)
        assert await first.consumer.confirm()
        before = first.consumer.confirmed_s
        polling = first.consumer._poller
        polling._orders.append(lambda: time.sleep(3 * POLL_LIMIT_S))  # its thread stands still
        await asyncio.sleep(2 * POLL_LIMIT_S)
        confirmed = asyncio.create_task(first.consumer.confirm())  # goes out before the thread polls again
        await until(lambda: len(second.consumer.assignment()) == 2)
        assert first.consumer.assignment()
        assert not await confirmed
        assert first.consumer.confirmed_s == before


async def test_who_owns_nothing_is_not_confirmed(url: str, fresh: Callable[[int], str], tmp_path: Path) -> None:
    topic = fresh(1)
    async with running(member(url, topic, tmp_path)) as app:
        await until(lambda: bool(app.consumer.assignment()))
        app.consumer._owners.clear()
        assert not await app.consumer.confirm()
