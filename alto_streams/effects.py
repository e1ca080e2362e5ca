"""What the core asks of whoever runs it. The core decides, a runtime (Faust, in memory) does.

The effects of one list belong together: an `Acknowledge` takes place after every `Send`, `Tell` and `Publish` of its
list, of the run it ends, and of the list that started the run, has been delivered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from alto_streams.failure import Failure
from alto_streams.record import Record

if TYPE_CHECKING:
    from alto_streams.execution import Run
    from alto_streams.explicit.sets import RecordSet

Channel = Literal["output", "progress"]


class Delivery(NamedTuple):
    """The place of a record in its stage's topic."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Send:
    """A record for another stage. Equal constraints reach one instance; None leaves the choice to the router."""

    stage: str
    record: Record
    constraint: bytes | None


@dataclass(frozen=True, slots=True)
class Tell:
    """A record for all instances of a stage: one copy for each partition that is active in the record's epoch."""

    stage: str
    record: Record


@dataclass(frozen=True, slots=True)
class Publish:
    """A value for the world outside, under a type name. One that is not final is replaced by the next of its item."""

    channel: Channel
    type: str
    question: str
    item: str
    value: bytes
    failure: Failure | None = None  # why the question failed, of an outcome
    final: bool = True


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that cannot be processed, and why."""

    record: Record
    stage: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Start:
    """Call the stage's function for this run."""

    run: Run


@dataclass(frozen=True, slots=True)
class Wake:
    """There is more to read for the function that reads this set."""

    found: RecordSet


@dataclass(frozen=True, slots=True)
class Stop:
    """Cancel the function that reads this set: what it does is of no use any more."""

    found: RecordSet


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """These deliveries are done with and need not come again."""

    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop the runs that `ended` ends and acknowledge what they hold: nobody needs what they would emit."""

    ended: Record


Effect = Send | Tell | Publish | DeadLetter | Start | Wake | Stop | Acknowledge | Cancel
