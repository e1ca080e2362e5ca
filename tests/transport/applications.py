"""The Faust app that the transport's tests run, the same for every URL scheme, with all that they do not use off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import faust

COMMIT_EVERY_S = 0.5


def make_app(url: str, group: str, datadir: str, *, session_s: float = 3.0, **options: Any) -> Any:
    """Everything that Faust can be told to do better on any transport is set, so that only the transport differs."""
    settings = {
        "broker": url,
        "store": "memory://",
        "datadir": datadir,
        "autodiscover": False,
        "web_enabled": False,
        "topic_disable_leader": True,
        "topic_allow_declare": False,
        "stream_wait_empty": False,
        "broker_commit_interval": COMMIT_EVERY_S,
        "broker_session_timeout": session_s,
        "broker_heartbeat_interval": session_s / 4,
        "consumer_auto_offset_reset": "earliest",
        "consumer_metadata_max_age_ms": 3000,  # the stock transport's default is minutes
        "producer_linger": 0,
        "producer_acks": -1,
        "key_serializer": "raw",
        "value_serializer": "raw",
        **options,
    }
    return faust.App(group, **settings)


def raw_topic(app: Any, name: str) -> Any:
    return app.topic(name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")


@asynccontextmanager
async def running(app: Any) -> AsyncIterator[Any]:
    """The app inside the test's own event loop, from its first assignment on."""
    assigned = asyncio.Event()

    async def note(_app: Any, *_: Any, **__: Any) -> None:
        assigned.set()

    app.on_partitions_assigned.connect(note, weak=False)
    try:
        await app.start()
        await asyncio.wait_for(assigned.wait(), 30)
        yield app
    finally:
        await app.stop()


async def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Raises TimeoutError when it does not hold in time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not holds():
        if loop.time() > end:
            raise TimeoutError(f"not within {seconds} s")
        await asyncio.sleep(0.02)
