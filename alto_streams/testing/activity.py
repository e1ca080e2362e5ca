"""A stage's function at work, advanced by hand from one yield to the next, without an event loop."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Generator
from contextlib import suppress
from typing import Any

from alto_streams.context import Context
from alto_streams.effects import Effect
from alto_streams.engines.protocol import Engine
from alto_streams.errors import AltoError
from alto_streams.execution import Run
from alto_streams.testing.clock import Until

PAUSED: Any = object()  # it awaited asyncio.sleep(0), or a simulated clock
ENDED: Any = object()


class NotScripted(AltoError):
    """A stage's function waits for the real world, which a simulation has not got."""


def call(run: Run, pool: Engine | None) -> Any:
    """The coroutine or asynchronous generator of a run."""
    question, item, deadline = run.ancestry.question, run.ancestry.item_id, run.record.deadline / 1000
    context = Context(question, item, deadline, pool if run.stage.pool else None, run.attempt)
    return run.stage.function(*run.inputs, context)


class Activity:
    """One run, suspended between steps."""

    def __init__(self, run: Run, pool: Engine | None) -> None:
        self.run = run
        self._called = call(run, pool)
        self._awaited: Generator[Any, None, Any] | None = None
        self._returned = False
        self.held_back: list[Effect] = []
        self.until = 0.0  # when what it waits for is there, in seconds of virtual time

    def step(self) -> Any:
        """The next value that the function yields or returns, PAUSED, or ENDED. Raises what the function raises."""
        if self._returned:
            return ENDED
        many = self.run.stage.opens is not None
        if self._awaited is None:
            self._awaited = (self._called.__anext__() if many else self._called).__await__()
        try:
            waits_for = self._awaited.send(None)
        except StopIteration as end:
            self._awaited, self._returned = None, not many
            return end.value
        except StopAsyncIteration:
            return ENDED
        except RuntimeError as error:
            self._awaited = None
            if str(error) == "no running event loop":
                raise self._not_scripted("an event loop") from error
            raise
        except BaseException:
            self._awaited = None  # it is over: there is nothing to cancel
            raise
        if isinstance(waits_for, Until):
            self.until = waits_for.moment
        elif waits_for is not None:
            raise self._not_scripted(repr(waits_for))
        return PAUSED

    def _not_scripted(self, what: str) -> NotScripted:
        return NotScripted(
            f"Stage '{self.run.stage.name}' waits for {what}, but nothing real happens in a simulation.",
            "await nothing but asyncio.sleep(0) and scripted engines, or use run() instead of simulate()",
        )

    def cancel(self) -> None:
        if self._awaited is not None:
            # As an event loop would: close() does not reach the generator behind a suspended __anext__ (Python 3.11).
            with suppress(CancelledError, StopIteration, StopAsyncIteration):
                self._awaited.throw(CancelledError())
                while True:  # what it awaits on its way out
                    self._awaited.send(None)
        if self.run.stage.opens is None:
            self._called.close()
