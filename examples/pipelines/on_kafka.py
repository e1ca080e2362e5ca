"""Runs a pipeline on a stack of its own (Kafka, the embedded model, every stage a process) for one question."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console

from alto_streams.cli.demo import stack_of_its_own
from alto_streams.client import AltoClient
from alto_streams.events import EndEvent, ItemEvent
from alto_streams.pipeline import Pipeline, load
from alto_streams.settings import settings

Show = Callable[[float, ItemEvent], None]  # an item, so many seconds after the question


def answer(target: str, question: str, show: Show) -> Any:
    """What the pipeline at `module:attribute` concludes with; its items are shown as they come. Raises AltoError."""
    os.environ["ALTO_PIPELINE"] = target
    pipeline = load(target)
    with stack_of_its_own(settings().home / "examples" / pipeline.name, Console()) as running:
        return asyncio.run(_ask(running.brokers, pipeline, question, show))


async def _ask(brokers: str, pipeline: Pipeline, question: str, show: Show) -> Any:
    async with AltoClient(brokers, pipeline) as client:
        asked = time.monotonic()
        async for event in client.ask(question):
            if isinstance(event, ItemEvent):
                show(time.monotonic() - asked, event)
            elif isinstance(event, EndEvent):
                return event.value
