"""A language model that says what a script tells it to, so that an example runs at once, and the same each time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from alto_streams.engines.protocol import EngineStatistics, Prompt, Sampling
from alto_streams.pipeline import Pipeline
from alto_streams.testing import Faults, Simulated
from schemas.question_pb2 import Question

Say = Callable[[str, str, int], str]
Judge = Callable[[str, str], float]


class Scripted:
    """`say(prompt name, what it was asked, seed)` is a whole answer, streamed word by word.

    `judge(prompt name, what it was asked)` is the natural-log probability of the first option, for scores.
    """

    def __init__(self, say: Say, judge: Judge = lambda name, asked: 0.0) -> None:
        self.say, self.judge = say, judge

    async def generate(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[str]:
        for word in self.say(prompt.name, prompt.messages[-1].content, sampling.seed or 0).split(" "):
            await asyncio.sleep(0)
            yield word + " "

    async def score(self, prompt: Prompt, options: Sequence[str]) -> list[float]:
        return [self.judge(prompt.name, prompt.messages[-1].content), *(-9.0 for _ in options[1:])]

    async def statistics(self) -> EngineStatistics:
        return EngineStatistics(0, 0, 0, 0, 0)

    async def close(self) -> None:
        """Nothing to close."""


def simulated(pipeline: Pipeline, engine: Scripted, *questions: str) -> Simulated:
    """For `alto simulate`, which looks for it under the name `simulation`."""
    asked = {f"q{number}": Question(text=text) for number, text in enumerate(questions)}
    return Simulated(pipeline, asked, engine, faults=Faults(every=15))
