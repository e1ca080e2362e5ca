"""The language model as a traced stage sees it: it notes each request of the present run, and when text came."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from time import time_ns
from typing import Any

from alto_streams.engines.protocol import Engine, EngineStatistics, Prompt, Sampling
from alto_streams.runtime.tracing.observed import EngineCall, Observation, present


class TracedEngine:
    """Implements the Engine protocol over another engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._model = str(getattr(engine, "model", ""))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def generate(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[str]:
        run = present.get()
        return self._engine.generate(prompt, sampling) if run is None else self._noted(run, prompt, sampling)

    async def _noted(self, run: Observation, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str]:
        call = self._begin(run, prompt)
        note_time, note_chunk = call.came_at.append, call.chunks.append
        try:
            async with aclosing(self._engine.generate(prompt, sampling)) as chunks:  # type: ignore[type-var]
                async for chunk in chunks:
                    note_time(time_ns())
                    note_chunk(chunk)
                    yield chunk
        finally:
            call.ended = time_ns()

    async def score(self, prompt: Prompt, options: Sequence[str]) -> list[float]:
        run = present.get()
        if run is None:
            return await self._engine.score(prompt, options)
        call = self._begin(run, prompt)
        try:
            scores = await self._engine.score(prompt, options)
            call.came_at.append(time_ns())
            call.chunks.append("")
            return scores
        finally:
            call.ended = time_ns()

    async def statistics(self) -> EngineStatistics:
        return await self._engine.statistics()

    async def close(self) -> None:
        await self._engine.close()

    def _begin(self, run: Observation, prompt: Prompt) -> EngineCall:
        call = EngineCall(prompt.name, self._model, time_ns())
        run.calls = [*run.calls, call]
        return call
