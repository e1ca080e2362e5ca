"""A Faust app of one stage, tuned as well as its settings allow: see perf/peers/README.md for what was tried."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import faust

from alto_streams.context import Context
from alto_streams.engines.protocol import Engine
from perf.peers.faust_plain.item import key
from perf.peers.faust_plain.item_pb2 import Item
from perf.peers.faust_plain.topics import ALL

DEADLINE_S = 120.0
CONCURRENCY = 16  # items of an agent at a time, where they wait for the engine


def make_app(stage: str, brokers: str, datadir: str) -> Any:
    """Everything that this pipeline does not use is off."""
    return faust.App(
        f"faust-plain.{stage}",
        broker=[f"kafka://{address}" for address in brokers.split(",")],
        store="memory://",
        datadir=datadir,
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        broker_check_crcs=False,
        broker_commit_interval=0.5,
        consumer_auto_offset_reset="earliest",
        producer_linger=0,
        producer_max_batch_size=1 << 17,
        producer_acks=1,
        cython_optimizations=True,
    )


class Stage:
    """An app, and what its agents share: topics, sending, the engine."""

    def __init__(self, app: Any, engine: Engine) -> None:
        self._app, self._engine = app, engine
        self._topics = {name: _raw(app, name) for name in ALL}

    def agent(self, topic: str, work: Callable[[bytes], Awaitable[None]], concurrency: int = 1) -> None:
        """Calls `work` with each value of a topic, some at a time where they wait for an engine."""

        async def consume(stream: Any) -> None:
            async for value in stream:
                await work(value)

        self._app.agent(self._topics[topic], name=f"{self._app.conf.id}.{topic}", concurrency=concurrency)(consume)

    def context(self, item: Item) -> Context:
        """What a stage's function may know."""
        path = ".".join(map(str, item.path))
        return Context(item.question, path, time.time() + DEADLINE_S, self._engine)

    async def send(self, topic: str, item: Item, group: int | None = None) -> None:
        """Returns when it is queued. Items whose first `group` indices are equal go to one partition."""
        where = None if group is None else key(item.question, item.path[:group])
        await self._topics[topic].send(key=where, value=item.SerializeToString())

    async def publish(self, topic: str, question: str, value: bytes) -> None:
        """Sends what leaves the pipeline."""
        await self._topics[topic].send(key=question.encode(), value=value)


def _raw(app: Any, name: str) -> Any:
    return app.topic(name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
