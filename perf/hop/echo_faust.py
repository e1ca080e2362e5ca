"""The echo as a Faust agent; the broker's URL alone says over which transport. Run by perf.hop, until it is killed."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from typing import Any

import faust

COMMIT_EVERY_S = 0.5


def make_app(url: str, inbox: str, outbox: str, datadir: str) -> Any:
    """A Faust application tuned as well as its settings allow, the same over each transport."""
    app: Any = faust.App(
        inbox,
        broker=url,
        store="memory://",
        datadir=datadir,
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        broker_commit_interval=COMMIT_EVERY_S,
        broker_session_timeout=10.0,
        broker_heartbeat_interval=2.0,
        broker_check_crcs=False,
        consumer_auto_offset_reset="earliest",
        producer_linger=0,
        producer_max_batch_size=1 << 17,
        cython_optimizations=True,
    )
    source, target = _raw(app, inbox), _raw(app, outbox)

    @app.agent(source)  # type: ignore[untyped-decorator]
    async def echo(stream: Any) -> None:
        async for event in stream.events():
            await target.send(key=event.key, value=event.value, headers=event.headers)

    @app.on_partitions_assigned.connect  # type: ignore[untyped-decorator]
    async def owned(_app: Any, assigned: Any, **_: Any) -> None:
        if assigned:
            print(f"owned {time.process_time()}", flush=True)

    return app


def _raw(app: Any, name: str) -> Any:
    return app.topic(name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")


async def run(url: str, inbox: str, outbox: str) -> None:
    with tempfile.TemporaryDirectory() as datadir:
        await make_app(url, inbox, outbox, datadir).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
