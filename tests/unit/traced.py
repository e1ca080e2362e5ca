"""A traced instance without Kafka, and a sink that a test looks into."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from time import time_ns
from types import SimpleNamespace
from typing import Any

from alto_streams.ancestry import Ancestry
from alto_streams.context import Context
from alto_streams.engines.emulated import EmulatedEngine
from alto_streams.engines.emulated.clock import VirtualClock
from alto_streams.engines.protocol import Prompt, Sampling
from alto_streams.execution import StageLogic
from alto_streams.operators import Collect
from alto_streams.pipeline import Pipeline
from alto_streams.record import HEADER, Kind, Record, encode_header
from alto_streams.runtime.instance import now_ms
from alto_streams.runtime.tracing import TracedInstance, Tracing
from alto_streams.runtime.tracing.identity import Identities
from alto_streams.runtime.tracing.lines import Lines
from alto_streams.runtime.tracing.observed import Observation
from tests.unit.outboxes import Outbox


class Kept:
    """A sink that a test looks into."""

    every_s = 0.02

    def __init__(self, identities: Identities) -> None:
        self.lines: list[dict[str, Any]] = []
        self.fails, self.closed = 0, False
        self._line = Lines(identities)

    def write(self, seen: list[Observation]) -> None:
        self.fails -= 1
        if self.fails >= 0:
            raise ConnectionError("no collector")
        self.lines += map(self._line, seen)

    def close(self) -> None:
        self.closed = True


class Rig:
    """A traced instance of a stage that runs `function` on an emulated engine; or of `whole`, which reads its items."""

    def __init__(self, function: Any, share: float = 1.0, name: str = "stage") -> None:
        pipeline = Pipeline("p", source=bytes)
        items = pipeline.source.expand(function, "item", name="stage", concurrency=8, uses="lm")
        whole = items.aggregate(Collect()).map(joined, name="whole")
        pipeline.output(whole, "whole", conclude=lambda question, items, failure: b"")
        stage = pipeline.plan.stage(name)
        self.identities = Identities(pipeline.plan, stage, "7")
        self.kept = Kept(self.identities)
        self.tracing = Tracing(self.kept, share)
        engine = EmulatedEngine(clock=VirtualClock())
        outbox: Any = Outbox(instant=True)
        self.offsets = count(3)
        self.instance = TracedInstance(StageLogic(stage), outbox, engine, self._fatal, True, self.tracing)

    async def _fatal(self, error: BaseException) -> None:
        raise error

    async def receive(self, question: str, kind: Kind = Kind.ITEM, deadline_ms: int = 60_000) -> None:
        await self.take(Record(kind, 0, Ancestry(question), 1, now_ms() + deadline_ms, b"x"))

    async def take(self, record: Record) -> Any:
        """Its message."""
        message = SimpleNamespace(
            partition=0,
            offset=next(self.offsets),
            key=b"",
            value=b"x",
            generation_id=1,
            timestamp=1.5,
            received=time_ns(),
            headers=[(HEADER, encode_header(record))],
        )
        await self.instance.receive(SimpleNamespace(message=message, ack=lambda: None))
        return message

    async def lines(self) -> list[dict[str, Any]]:
        for _ in range(2000):
            await asyncio.sleep(0)
        await self.instance.close()
        await asyncio.to_thread(self.tracing.close)
        assert self.kept.closed
        return self.kept.lines


async def two(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
    said = [text async for text in ctx.engine.generate(Prompt("two", ()).ask("Why so?"), Sampling(max_tokens=3))]
    yield said[0].encode()
    await ctx.engine.score(Prompt("two", ()), ["Yes", "No"])
    yield b"second"


async def joined(items: list[bytes], ctx: Context) -> bytes:
    return b"".join(items)
