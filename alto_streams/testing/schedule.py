"""What can go wrong in a simulation, and how often; and what is thrown when an invariant does not hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from alto_streams.ancestry import Ancestry
from alto_streams.effects import Publish, Send, Tell
from alto_streams.errors import AltoError
from alto_streams.record import Kind, Record


@dataclass(frozen=True, slots=True)
class Faults:
    """Relative weights of the faults; `budget` bounds how many a simulation has, `every` is the mean of steps between
    two. `tick_ms` is the most that one step takes, for deadlines that pass half-way; 0 stops the clock.
    """

    budget: int = 12
    every: int = 30
    crash: float = 4  # an instance dies: what it holds is lost, its partitions come again
    move: float = 2  # a partition goes to another instance, which the old one knows
    stall: float = 2  # the same, but the old one goes on for a while before it notices
    regroup: float = 1  # all partitions of a stage are dealt out anew
    copy: float = 4  # a record is produced a second time
    readmit: float = 1  # questions are read from the input a second time
    epoch: float = 2  # a routing table with other partitions
    error: float = 2  # a stage's function raises
    pause: float = 0  # everything stands still for minutes, where the clock runs
    tick_ms: int = 0


NONE = Faults(budget=0)


def _short(found: Any) -> str:
    """A detail of a step as one short line: `ITEM q1/0@1.4/2@1.0 p0 e1 b'...'` for a record."""
    if isinstance(found, Send | Tell):
        return f"-> {found.stage} {_short(found.record)}"
    if isinstance(found, Publish):
        return f"{found.type} {found.question} {found.item} {found.value!r}{'' if found.final else ' so far'}"
    if isinstance(found, Ancestry):
        steps = (f"{step.position}@{step.attempt.generation}.{step.attempt.run}" for step in found.path)
        return "/".join((found.question, *steps))
    if isinstance(found, Record):
        said = f"{found.kind.name} {_short(found.ancestry)} p{found.port} e{found.epoch}"
        if found.kind is Kind.COUNT:
            return f"{said} = {found.count} @{found.attempt.generation}.{found.attempt.run}"
        return f"{said} {found.value!r}"
    if isinstance(found, tuple):
        return " ".join(map(_short, found))
    return str(found)


class Step(NamedTuple):
    """One step of a schedule."""

    number: int
    instance: str
    action: str
    detail: Any

    def __str__(self) -> str:
        return f"{self.number}: {self.instance} {self.action} {_short(self.detail)}"


class SimulationError(AltoError):
    """A simulation found a state that must not be. `seed` repeats it; `steps` are the last that led there."""

    def __init__(self, problem: str, seed: int, steps: Iterable[Step]) -> None:
        self.seed, self.steps = seed, [str(step) for step in steps]
        trace = "\n  ".join(["The last steps:", *self.steps])
        super().__init__(f"Seed {seed}: {problem}\n{trace}\n", f"repeat it with simulate(..., seed={seed})")
