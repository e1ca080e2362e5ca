"""How the examples ask their language model, which may answer with anything, and go on for ever."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import aclosing

from alto_streams.engines.protocol import Engine, Prompt, Sampling
from alto_streams.quanta import cutter


async def pieces(engine: Engine, prompt: Prompt, quantum: str, most: int, max_tokens: int) -> AsyncIterator[str]:
    """The pieces of an answer, each as soon as it is whole: at most `most`, none twice.

    Stops the engine there, and where it begins to repeat itself.
    """
    cut, seen = cutter(quantum), set[str]()
    answer = engine.generate(prompt, Sampling(max_tokens=max_tokens))
    async with aclosing(answer) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            for piece in cut.feed(chunk):
                if piece in seen:
                    return
                yield piece
                seen.add(piece)
                if len(seen) == most:
                    return
    for piece in cut.end():
        if piece not in seen:
            yield piece


async def first(engine: Engine, prompt: Prompt, quantum: str, max_tokens: int) -> str:
    """The first piece; empty where the model says nothing."""
    async for piece in pieces(engine, prompt, quantum, 1, max_tokens):
        return piece
    return ""


async def agrees(engine: Engine, prompt: Prompt) -> float:
    """The probability of yes, where the model can say yes or no."""
    yes, no = await engine.score(prompt, ("yes", "no"))
    return (1 + math.tanh((yes - no) / 2)) / 2  # the logistic function, without its overflow
