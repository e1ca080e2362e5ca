"""Makes a failing history as small as can be found: the least schedule that breaks the same invariant.

Delta debugging (Zeller and Hildebrandt, 2002) over the events of the history: it is cut behind the failure, questions
and faults are left out, then ever shorter runs of events are left out or done in the default order instead. Each
attempt is played; it counts where the same line of code raises the same type of error, as in Hypothesis.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from types import TracebackType
from weakref import WeakKeyDictionary

from alto_streams.testing.history import History, Outcomes
from alto_streams.testing.schedule import Event, Schedule, Step
from alto_streams.testing.simulated import Case, Simulated

SHRINK_S = 20.0
Origin = tuple[type[BaseException], str, int]


def origin(error: BaseException) -> Origin:
    """Where it was raised: what tells one problem from another, whatever the message says of this history."""
    at: TracebackType | None = error.__traceback__
    assert at is not None
    while at.tb_next is not None:
        at = at.tb_next
    return type(error), at.tb_frame.f_code.co_filename, at.tb_lineno


@dataclass(frozen=True)
class Shrunk:
    """The least schedule that was found, what it raises, and every step of its history up to there."""

    schedule: Schedule
    error: Exception
    steps: tuple[Step, ...]
    seconds: float
    replays: int
    cut_short: bool  # there was no time to try all that might make it smaller


class Histories:
    """Histories of one case. What the undisturbed one gives is computed once for each object that the case makes."""

    def __init__(self, case: Case | Simulated) -> None:
        self._make: Case = (lambda _: case) if isinstance(case, Simulated) else case
        self._expected: WeakKeyDictionary[Simulated, dict[tuple[str, ...], Outcomes]] = WeakKeyDictionary()

    def begin(
        self, seed: int, schedule: Schedule | None = None, trace: int | None = 50
    ) -> tuple[History, Outcomes | None]:
        """A history to run, and the outcomes that it must have; None where they may differ.

        Raises what the undisturbed history raises.
        """
        case = self._make(seed)
        return History(case, seed, schedule, trace), self._outcomes(case, seed, schedule and schedule.questions)

    def undisturbed(self, seed: int, questions: tuple[str, ...] | None = None) -> History:
        """Nothing goes wrong, and all is done in the default order."""
        case = self._make(seed)
        return History(case, seed, Schedule(questions or tuple(case.questions), ()))

    def _outcomes(self, case: Simulated, seed: int, questions: tuple[str, ...] | None) -> Outcomes | None:
        if not case.same or case.faults.tick_ms:
            return None
        known, asked = self._expected.setdefault(case, {}), questions or tuple(case.questions)
        if asked not in known:
            known[asked] = self.undisturbed(seed, asked).run().outcomes
        return known[asked]


def shrink(histories: Histories, seed: int, failed: History, error: Exception, limit_s: float) -> Shrunk | None:
    """None where the history does not fail again: then something keeps a state from one history to the next."""
    return _Shrinking(histories, seed, failed, error, limit_s).shrink() if limit_s > 0 else None


class _Shrinking:
    def __init__(self, histories: Histories, seed: int, failed: History, error: Exception, limit_s: float) -> None:
        self.histories, self.seed, self.checking = histories, seed, failed.checking
        self.error, self.origin, self.limit_s = error, origin(error), limit_s
        self.least = Schedule(tuple(failed.case.questions), tuple(failed.events))
        self.begun, self.replays, self.cut_short = time.monotonic(), 0, False

    def shrink(self) -> Shrunk | None:
        if not self._repeats():
            return None
        before = None
        while before != self.least and not self._over():
            before = self.least
            self._questions()
            self._faults()
            self._events()
        history, error = self._play(self.least, trace=None)
        if error is None:
            return None
        seconds = time.monotonic() - self.begun
        return Shrunk(self.least, error, tuple(history.cluster.trace), seconds, self.replays, self.cut_short)

    def _repeats(self) -> bool:
        """Whether the same events raise the same again, to the word."""
        said = _words(self.error)
        _, error = self._play(self.least)
        return error is not None and _words(error) == said and self._accepts(self.least)

    def _over(self) -> bool:
        self.cut_short = self.cut_short or time.monotonic() - self.begun > self.limit_s
        return self.cut_short

    def _play(self, schedule: Schedule, trace: int | None = 0) -> tuple[History, Exception | None]:
        self.replays += 1
        history, expected = self.histories.begin(self.seed, schedule, trace)
        try:
            history.run(expected)
        except Exception as error:
            return history, error if origin(error) == self.origin else None
        return history, None

    def _accepts(self, schedule: Schedule) -> bool:
        """Whether it fails in the same way. If so it is the least one now, without what follows the failure."""
        if self._over() and self.replays > 1:
            return False
        history, error = self._play(schedule)
        if error is None:
            return False
        events = list(history.events[: len(schedule.events)])
        while events and events[-1] is None:  # all that is left open goes on in the default order anyway
            events.pop()
        self.least = replace_events(schedule, events)
        return True

    def _questions(self) -> None:
        """A check may count on all the questions: those without which it fails undisturbed stay."""
        for question in self.least.questions:
            fewer = tuple(one for one in self.least.questions if one != question)
            if fewer and (not self.checking or self._passes(fewer)):
                self._accepts(Schedule(fewer, self.least.events))

    def _passes(self, questions: tuple[str, ...]) -> bool:
        try:
            self.histories.undisturbed(self.seed, questions).run()
        except Exception:
            return False
        return True

    def _faults(self) -> None:
        """All else in the default order, if that will do; and each fault left out."""
        calm = [event if event is not None and not event.ordinary else None for event in self.least.events]
        self._accepts(replace_events(self.least, calm))
        for fault in reversed(self.least.faults):
            self._accepts(replace_events(self.least, [event for event in self.least.events if event is not fault]))

    def _events(self) -> None:
        size = max(len(self.least.events) // 2, 1)
        while size and not self._over():
            end = len(self.least.events)
            while end > 0:
                events = self.least.events
                start, end = max(end - size, 0), min(end, len(events))
                part = events[start:end]
                if not self._accepts(replace_events(self.least, [*events[:start], *events[end:]])):
                    calm: list[Event | None] = [None] * len(part)
                    if calm != list(part):
                        self._accepts(replace_events(self.least, [*events[:start], *calm, *events[end:]]))
                end = start
            size //= 2


def _words(error: Exception) -> str:
    """What it says, but for the addresses of objects."""
    return re.sub("0x[0-9a-f]+", "0x", str(error))


def replace_events(schedule: Schedule, events: list[Event | None]) -> Schedule:
    return Schedule(schedule.questions, tuple(events))
