"""Whether Kafka still has this process for the owner of its partitions, as far as a process can know.

Kafka refuses the commits of a member that it has replaced, so one that it took lately is a lease: who decides what
may be decided only once decides while the lease lasts, and has a commit taken first where it does not. A process that
stood still for longer than its session so finds out before it decides anything, not half a second later.

It is no proof: what was on its way to Kafka when the process stopped goes there when it goes on.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from alto_streams.runtime.transport.clock import clock_s

ASK_AGAIN_S = 0.1
SAY_AFTER_S = 5.0


class Lease:
    """Lasts `lasts_s` seconds from the moment at which a commit that Kafka took was begun."""

    def __init__(self, consumer: Any, lasts_s: float) -> None:
        self._consumer, self._lasts_s = consumer, lasts_s
        self._log = structlog.get_logger()

    @property
    def valid(self) -> bool:
        return clock_s() < self._ends_s

    @property
    def _ends_s(self) -> float:
        return float(self._consumer.confirmed_s) + self._lasts_s

    async def hold(self) -> None:
        """Returns when the lease is valid, or nothing is owned any more.

        Meanwhile partitions may have gone: what waited for it may not concern this process any longer.
        """
        since, said = clock_s(), False
        while not self.valid and self._consumer.assignment() and not await self._consumer.confirm():
            if not said and clock_s() > since + SAY_AFTER_S:
                self._log.warning(
                    "no_lease", error=f"Kafka took no commit for {SAY_AFTER_S:.0f} s: no question is ended"
                )
                said = True
            await asyncio.sleep(ASK_AGAIN_S)

    async def keep(self) -> None:
        """Renews the lease before it ends, until cancelled: who has had nothing to do need not wait for it then."""
        while True:
            await asyncio.sleep(self._lasts_s / 4)
            if clock_s() > self._ends_s - self._lasts_s / 2:
                await self._consumer.confirm()
