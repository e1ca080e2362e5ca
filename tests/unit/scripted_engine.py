"""An engine that says what a test tells it to, and remembers what it was asked and whether it was stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

from alto_streams.context import Context
from alto_streams.engines.protocol import EngineStatistics, Prompt, Sampling


class ScriptedEngine:
    def __init__(
        self,
        chunks: Sequence[str] | Callable[[Prompt], Sequence[str]] = (),
        scores: Sequence[float] | Callable[[Prompt, Sequence[str]], Sequence[float]] = (),
    ) -> None:
        self._chunks = chunks
        self._scores = scores
        self.asked: list[tuple[Prompt, Sampling]] = []
        self.scored: list[tuple[Prompt, tuple[str, ...]]] = []
        self.emitted = 0
        self.ended = 0  # generations that ran to their end
        self.closed = 0  # generations that ended or were stopped

    async def generate(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[str]:
        self.asked.append((prompt, sampling))
        try:
            for chunk in self._chunks(prompt) if callable(self._chunks) else self._chunks:
                self.emitted += 1
                yield chunk
            self.ended += 1
        finally:
            self.closed += 1

    async def score(self, prompt: Prompt, options: Sequence[str]) -> list[float]:
        self.scored.append((prompt, tuple(options)))
        return list(self._scores(prompt, options) if callable(self._scores) else self._scores)

    async def statistics(self) -> EngineStatistics:
        return EngineStatistics(len(self.asked) + len(self.scored), 0, 0, 0, 0)

    async def close(self) -> None:
        return None


def context(engine: ScriptedEngine) -> Context:
    return Context(question_id="q1", item_id="q1/0/0", deadline=0.0, pool=engine)


def letters(text: str) -> list[str]:
    """The hardest way to stream a text."""
    return list(text)
