"""What waits for deliveries: an input is done with when everything that was sent for it is in Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class Settlement:
    """Counts the records that were sent for some input; when all are delivered, what is to follow is called.

    Nothing follows where one of them was not delivered: `failed` is called, and who waits hears of it. A counter in
    place of a future for each record: every record passes here.
    """

    __slots__ = ("_error", "_failed", "_pending", "_then", "_waiting", "run")

    def __init__(self, failed: Callable[[BaseException], object]) -> None:
        self._failed = failed
        self._pending = 1  # whoever still sends
        self._then: list[Callable[[], object]] = []
        self._error: BaseException | None = None
        self._waiting: asyncio.Future[None] | None = None
        self.run: Any = None  # that sends for it, where it is traced

    @property
    def settled(self) -> bool:
        return not self._pending

    def expect(self) -> None:
        """One more record is on its way."""
        self._pending += 1

    def delivered(self, error: BaseException | None = None) -> None:
        """It has arrived, or never will. Raises nothing."""
        if error is not None:
            self._error = error
            self._wake()
            self._failed(error)
            return
        self._pending -= 1
        if not self._pending:
            for call in self._then:
                call()
            self._wake()

    def close(self) -> None:
        """Nothing more is sent for it."""
        self.delivered()

    def then(self, call: Callable[[], object]) -> None:
        """Calls it when everything is delivered: at once where it is."""
        if self._pending:
            self._then.append(call)
        else:
            call()

    async def wait(self) -> None:
        """Returns when everything is delivered. Raises what kept a record from it."""
        while self._pending and self._error is None:
            if self._waiting is None:
                self._waiting = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._waiting)
        if self._error is not None:
            raise self._error

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
