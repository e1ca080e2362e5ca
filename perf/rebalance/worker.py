"""One worker: a plain Faust app whose agent writes down each record. Run by perf.rebalance, until it is stopped.

Each line on standard output is one system call, so that what a killed worker did is known to its last record:
`J time` it subscribes, `P partition offset attempt sent time` it processes a record. Times are the monotonic clock's,
which all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from typing import Any

import faust

from perf.rebalance.protocols import HEARTBEAT_S, SESSION_S

COMMIT_EVERY_S = 0.5
METADATA_MAX_AGE_MS = 3000  # how soon Faust's own transport sees added partitions; its default is minutes


def make_app(url: str, topic: str, datadir: str) -> Any:
    """The same for each protocol, tuned as well as Faust's settings allow."""
    app: Any = faust.App(
        topic,
        broker=url,
        store="memory://",
        datadir=datadir,
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        broker_commit_interval=COMMIT_EVERY_S,
        broker_session_timeout=SESSION_S,
        broker_heartbeat_interval=HEARTBEAT_S,
        consumer_auto_offset_reset="earliest",
        consumer_metadata_max_age_ms=METADATA_MAX_AGE_MS,
        producer_linger=0,
    )
    _announce(app.transport)
    source = app.topic(topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    @app.agent(source)  # type: ignore[untyped-decorator]
    async def note(stream: Any) -> None:
        async for event in stream.events():
            at, message = time.monotonic(), event.message
            attempt = message.generation_id
            line = f"P {message.partition} {message.offset} {attempt} {event.value.decode()} {at:.6f}\n"
            os.write(1, line.encode())

    return app


def _announce(transport: Any) -> None:
    """Has the consumer say when it begins to join the group: what comes before is start-up."""
    consumer: Any = transport.Consumer

    class Announced(consumer):  # type: ignore[misc]
        async def subscribe(self, topics: Iterable[str]) -> None:
            os.write(1, f"J {time.monotonic():.6f}\n".encode())
            await super().subscribe(topics)

    transport.Consumer = Announced


async def run(url: str, topic: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with tempfile.TemporaryDirectory() as datadir:
        app = make_app(url, topic, datadir)
        try:
            await app.start()
            await app.wait(stop)  # raises what the app crashed with
        finally:
            await app.stop()


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
