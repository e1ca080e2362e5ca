"""The two times that an emulated engine can live in: the real one, and one that jumps from event to event."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds from any beginning, never going back."""

    def now(self) -> float: ...

    async def until(self, moment: float) -> None:
        """Returns at `moment` or later, or before it by no more than the resolution of timers."""
        ...


PATIENCE = 1000  # how often one who waits looks for others that are late; they may be gone without a word


class RealClock:
    """The machine's."""

    def now(self) -> float:
        return time.monotonic()

    async def until(self, moment: float) -> None:
        await asyncio.sleep(max(moment - time.monotonic(), 0))


class VirtualClock:
    """Goes on to the earliest moment that anybody waits for, as soon as one of those who wait is let go on.

    It awaits nothing but `asyncio.sleep(0)`, so the simulator can drive it: whom it lets go on, and when, is the
    simulator's choice. `advance` moves the time from outside.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._awaited: dict[object, float] = {}

    def now(self) -> float:
        return self._now

    def advance(self, moment: float) -> None:
        self._now = max(self._now, moment)

    async def until(self, moment: float) -> None:
        waiter = object()
        self._awaited[waiter] = moment
        looked = 0
        try:
            while self._now < moment:
                await asyncio.sleep(0)
                looked += 1
                if looked % PATIENCE == 0:
                    self._awaited = {one: due for one, due in self._awaited.items() if due > self._now}
                self.advance(min(self._awaited.values(), default=moment))
        finally:
            self._awaited.pop(waiter, None)
