"""A stage's function at work, advanced by hand from one yield to the next, without an event loop."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from alto_streams.context import Context
from alto_streams.effects import Effect
from alto_streams.engines.protocol import Engine
from alto_streams.errors import AltoError
from alto_streams.execution import Run
from alto_streams.explicit.execution import ExplicitRun
from alto_streams.testing.clock import Until

PAUSED: Any = object()  # it awaited asyncio.sleep(0), or a simulated clock
ENDED: Any = object()
WAITING: Any = object()  # it has read all that there is


@dataclass(frozen=True, slots=True)
class Wrote:
    """What follows from something that the function of an explicit stage wrote."""

    effects: list[Effect]


@dataclass(frozen=True, slots=True)
class Awaited:
    """What of the real world a function waits for."""

    what: Any


class _Tell:
    """Hands something to whoever advances the function."""

    def __init__(self, told: Any) -> None:
        self.told = told

    def __await__(self) -> Generator[Any, None, None]:
        yield self.told


class NotScripted(AltoError):
    """A stage's function waits for the real world, which a simulation has not got."""


def call(run: Run, pool: Engine | None) -> Any:
    """The coroutine or asynchronous generator of a run."""
    question, item, deadline = run.ancestry.question, run.item_id, run.record.deadline / 1000
    context = Context(question, item, deadline, pool if run.stage.pool else None, run.attempt)
    if isinstance(run, ExplicitRun):
        run.lend(lambda effects: _Tell(Wrote(effects)), lambda: _Tell(WAITING))
    return run.stage.function(*run.inputs, context)


class Activity:
    """One run, suspended between steps."""

    def __init__(self, run: Run, pool: Engine | None) -> None:
        self.run = run
        self._called = call(run, pool)
        self._awaited: Generator[Any, None, Any] | None = None
        self._returned = False
        self._waits = False
        self.held_back: list[Effect] = []
        self.until = 0.0  # when what it waits for is there, in seconds of virtual time

    @property
    def starved(self) -> bool:
        """Whether it waits for a record that has not come."""
        return self._waits and isinstance(self.run, ExplicitRun) and self.run.starved

    def step(self) -> Any:
        """The next value that the function yields or returns, PAUSED, WAITING, Wrote or ENDED. Raises what it does."""
        told = self.resume()
        if isinstance(told, Awaited):
            raise self._not_scripted(repr(told.what))
        return told

    def resume(self) -> Any:
        """As `step`, or what of the real world the function awaits."""
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
        self._waits = waits_for is WAITING
        if self._waits or isinstance(waits_for, Wrote):
            return waits_for
        if isinstance(waits_for, Until):
            self.until = waits_for.moment
            return PAUSED
        return PAUSED if waits_for is None else Awaited(waits_for)

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


class Steps:
    """`await Steps(activity)` is one step within an event loop, which awaits what the function awaits of it."""

    def __init__(self, activity: Activity) -> None:
        self._activity = activity

    def __await__(self) -> Generator[Any, None, Any]:
        while isinstance(told := self._activity.resume(), Awaited):
            yield told.what
        if told is PAUSED:
            yield None
        return told
