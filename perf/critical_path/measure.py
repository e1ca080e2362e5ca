"""Questions put to a stack that traces, one after the other, so that nobody else's keep them waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

from alto_streams.client import AltoClient
from alto_streams.events import EndEvent, OutcomeEvent
from alto_streams.pipeline import load
from perf.stack import Stack, stack

WARM_UP = 3  # questions before those that count: connections, caches, the broker's compiler
PAUSE_S = 0.3  # after each: acknowledgements and commits of one are not to meet the next


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client saw of a question; seconds from before it was sent."""

    question_id: str
    text: str
    outcome_s: float
    first_s: float  # the first thing that came


def measure(
    texts: Sequence[str],
    traces: Path,
    pipeline: str,
    instances: Mapping[str, int],
    env: Mapping[str, str],
    step: Callable[[str], None],
) -> list[Asked]:
    """Asks each question of a fresh stack, whose trace files are in `traces` afterwards. Raises AltoError."""
    with stack(pipeline, instances, {**env, "ALTO_TRACE": str(traces)}) as running:
        return asyncio.run(_ask_all(running, texts, step))


async def _ask_all(running: Stack, texts: Sequence[str], step: Callable[[str], None]) -> list[Asked]:
    asked = []
    async with AltoClient(running.brokers, load(running.target)) as client:
        for number in range(WARM_UP):
            await _ask(client, f"warm-up-{number}", f"What is it that warms up number {number}?")
            await asyncio.sleep(PAUSE_S)
        for number, text in enumerate(texts):
            step(text)
            asked.append(await _ask(client, uuid5(NAMESPACE_OID, f"{number} {text}").hex, text))
            await asyncio.sleep(PAUSE_S)
    return asked


async def _ask(client: AltoClient, question_id: str, text: str) -> Asked:
    begun, first = time.perf_counter(), 0.0
    async for event in client.ask(text, question_id=question_id):
        first = first or time.perf_counter() - begun
        if isinstance(event, OutcomeEvent | EndEvent):
            break
    return Asked(question_id, text, time.perf_counter() - begun, first)
