"""What is thrown when a simulation finds a state that must not be, and how it is told to people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alto_streams.errors import AltoError
from alto_streams.testing.history import History
from alto_streams.testing.schedule import Schedule, Step
from alto_streams.testing.shrink import Shrunk

LAST = 15  # steps shown before the failure
NOT_REPEATED = (
    "It was not shrunk: the same events did not fail again, so something keeps a state from one history to the next "
    "(simulate_case takes a function that makes it anew)."
)


class SimulationError(AltoError):
    """A simulation found a state that must not be. `seed` repeats it, and so does `schedule`, the least that was found;
    `steps` are those of its history as text, or the last ones of the seed's where it was not shrunk.
    """

    def __init__(self, error: Exception, seed: int, history: History, shrunk: Shrunk | None, wanted: bool) -> None:
        self.seed, self.shrunk, self.original = seed, shrunk, len(history.events)
        self.problem = f"{type(error).__name__}: {error}"
        self.schedule = shrunk.schedule if shrunk else Schedule(tuple(history.case.questions), tuple(history.events))
        steps = shrunk.steps if shrunk else tuple(history.cluster.trace)
        self.steps = [str(step) for step in steps]
        told = list(_least(shrunk, self.original) if shrunk else [NOT_REPEATED] if wanted else [])
        lines = [f"Seed {seed}: {self.problem}", *told, "The last steps:", *_indented(steps[-LAST:])]
        super().__init__("\n".join(lines) + "\n", f"repeat it with seed {seed}, or with the error's `schedule`")


def _indented(lines: Iterable[object]) -> list[str]:
    return [f"  {line}" for line in lines]


def _least(shrunk: Shrunk, original: int) -> Iterator[str]:
    schedule, told = shrunk.schedule, str(shrunk.error)
    size = f"{schedule.decisions} of {original} events, {len(schedule.faults)} of them faults"
    asked = f"question {', '.join(map(repr, schedule.questions))}"
    effort = f"{shrunk.replays} replays in {shrunk.seconds:.1f} s" + (", cut short" if shrunk.cut_short else "")
    yield f"The least schedule found that breaks it in the same way ({size}; {asked}; {effort}):"
    yield from _indented(_told(shrunk.steps))
    yield f"  {type(shrunk.error).__name__}: {told}"


def _told(steps: Iterable[Step]) -> Iterator[str]:
    """What was chosen; what was done in the default order is only counted."""
    passed = 0
    for step in steps:
        if not step.chosen:
            passed += 1
            continue
        if passed:
            yield _passed(passed)
        passed = 0
        yield str(step)
    if passed:
        yield _passed(passed)


def _passed(steps: int) -> str:
    return f"... {steps} step{'s' if steps > 1 else ''} in the default order"
