"""A clock for engines in virtual time: whoever waits says until when, and the simulation jumps there."""

from __future__ import annotations

from collections.abc import Generator
from types import coroutine
from typing import NamedTuple


class Until(NamedTuple):
    """What a function that waits hands to the simulation: a moment, in seconds of virtual time."""

    moment: float


@coroutine
def _wait(moment: float) -> Generator[Until, None, None]:
    yield Until(moment)


class SimulatedClock:
    """A Clock of the emulated engine. Only `simulate_timed` moves it."""

    def __init__(self) -> None:
        self.time = 0.0  # seconds

    def now(self) -> float:
        return self.time

    async def until(self, moment: float) -> None:
        if moment > self.time:
            await _wait(moment)
