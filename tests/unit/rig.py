"""One stage instance without Kafka, for tests: what it sends, acknowledges and stops at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace

from alto_streams.ancestry import Ancestry
from alto_streams.context import Context
from alto_streams.execution import StageLogic
from alto_streams.pipeline import Pipeline
from alto_streams.record import HEADER, Kind, Record, encode_header
from alto_streams.runtime.instance import Instance, now_ms
from tests.unit.outboxes import Outbox

Function = Callable[[bytes, Context], AsyncIterator[bytes]]


def one_stage(function: Function) -> Pipeline:
    """Its outcome is the kind of the failure, or nothing."""
    pipeline = Pipeline("p", source=bytes)
    items = pipeline.source.expand(function, "item", name="stage")
    pipeline.output(items, "item", conclude=lambda question, items, failure: failure.kind.encode() if failure else b"")
    return pipeline


class Rig:
    """An instance of a stage that runs `function`, and what became of its events."""

    def __init__(self, function: Function, streaming: bool = True) -> None:
        pipeline = one_stage(function)
        self.outbox, self.fatal, self.acknowledged = Outbox(), list[BaseException](), list[int]()
        logic = StageLogic(pipeline.plan.stage("stage"))
        self.instance = Instance(logic, self.outbox, None, self._fatal, streaming)  # type: ignore[arg-type]

    async def _fatal(self, error: BaseException) -> None:
        self.fatal.append(error)

    async def receive(
        self,
        offset: int,
        deadline: int | None = None,
        header: bytes | None = None,
        question: str = "",
        kind: Kind = Kind.ITEM,
        port: int = 0,
    ) -> None:
        record = Record(kind, port, Ancestry(question or f"q{offset}"), 1, deadline or now_ms() + 60_000, b"x")
        message = SimpleNamespace(
            partition=0,
            offset=offset,
            key=b"",
            value=b"x",
            generation_id=1,
            headers=[(HEADER, header or encode_header(record))],
        )
        event = SimpleNamespace(message=message, ack=lambda: self.acknowledged.append(offset))
        await self.instance.receive(event)
        await settle()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def two(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
    yield b"1"
    yield b"2"
