"""What happens in a simulation, as data: events by name, schedules of them, and what may go wrong how often.

An event names what it is about (an instance, a destination, a run's item) and not its place in a list. So it means the
same in a history that others have been taken out of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from alto_streams.ancestry import Ancestry
from alto_streams.effects import Publish, Send, Tell
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
    join: float = 1  # another instance comes, and partitions move to it
    leave: float = 1  # an instance goes, in order
    grow: float = 0.5  # a topic gets another partition
    copy: float = 4  # a record is produced a second time
    readmit: float = 1  # questions are read from the input a second time, at times because who read them died
    epoch: float = 2  # a routing table with other partitions
    error: float = 2  # an engine fails, and the function with it
    pause: float = 0  # everything stands still for minutes, where the clock runs
    cancel: float = 0  # an asker wants a question no more
    tick_ms: int = 0


KINDS = (
    *("crash", "move", "stall", "regroup", "join", "leave", "grow"),
    *("copy", "readmit", "epoch", "error", "pause", "cancel"),
)
STEPS = ("flush", "admit", "advance", "begin", "deliver", "notice", "learn")
OTHERS = ("commit", "tick", "look", "deadline")


class Event(NamedTuple):
    """One thing that happens. `instance` is empty where it concerns them all."""

    instance: str
    action: str
    argument: Any = None

    @property
    def is_fault(self) -> bool:
        return self.action in KINDS

    @property
    def ordinary(self) -> bool:
        """A step of an instance, which the default order may do in its place."""
        return self.action in STEPS


class Schedule(NamedTuple):
    """A history to repeat: the questions that are asked, and what happens, in turn. None is the next step in the
    default order (whatever is furthest downstream goes first), in which all goes on that the schedule leaves open. An
    event that is not possible when its turn comes is passed over.
    """

    questions: tuple[str, ...]
    events: tuple[Event | None, ...]

    @property
    def decisions(self) -> int:
        """In how many places it differs from the default order."""
        return sum(event is not None for event in self.events)

    @property
    def faults(self) -> tuple[Event, ...]:
        return tuple(event for event in self.events if event is not None and event.is_fault)


class Step(NamedTuple):
    """What came of one event. `chosen` where a schedule or a random number asked for it, and no default order."""

    number: int
    event: Event
    detail: Any
    chosen: bool = True

    def __str__(self) -> str:
        action = self.event.action.upper() if self.event.is_fault else self.event.action
        return " ".join(filter(None, (f"{self.number}:", self.event.instance, action, short(self.detail))))


def short(found: Any) -> str:
    """A detail of a step as one short line: `ITEM q1/0@1.4/2@1.0 p0 e1 b'...'` for a record."""
    if isinstance(found, Send | Tell):
        return f"-> {found.stage} {short(found.record)}"
    if isinstance(found, Publish):
        return f"{found.type} {found.question} {found.item} {found.value!r}{'' if found.final else ' so far'}"
    if isinstance(found, Ancestry):
        steps = (f"{step.position}@{step.attempt.generation}.{step.attempt.run}" for step in found.path)
        return "/".join((found.question, *steps))
    if isinstance(found, Record):
        said = f"{found.kind.name} {short(found.ancestry)} p{found.port} e{found.epoch}"
        if found.kind is Kind.COUNT:
            return f"{said} = {found.count} @{found.attempt.generation}.{found.attempt.run}"
        return f"{said} {found.value!r}"
    if isinstance(found, tuple):
        return " ".join(map(short, found))
    if isinstance(found, Mapping):
        return ", ".join(f"{key}: {short(value)}" for key, value in found.items())
    return "" if found is None else str(found)
