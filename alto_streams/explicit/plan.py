"""A stage of an explicit pipeline as it is deployed: its inputs as every stage has them, and the queues that it writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from alto_streams.effects import Channel
from alto_streams.plan import StagePlan

EXPLICIT = "explicit"
QUESTIONS, OUTCOME = "questions", "outcome"  # the queues at which questions enter and end


@dataclass(frozen=True)
class Queue:
    """A named inbox for messages of one type. `key` names the ids that a constraint lists, the question first.

    Without a key any instance may take a record; records of equal constraints otherwise reach one. `channel` is set
    where it is the client who reads.
    """

    name: str
    type: Any
    key: tuple[str, ...] = ()
    channel: Channel | None = None


@dataclass(frozen=True)
class Outlet:
    """A queue that a stage writes, and the stage and port that read it."""

    queue: Queue
    stage: str = ""
    port: int = 0


@dataclass
class ExplicitStage(StagePlan):
    """`levels` are the ids of its key below the question."""

    outlets: dict[str, Outlet] = field(default_factory=dict)

    @property
    def slots(self) -> int | None:
        """A function that waits for the rest of its set must not keep that rest, or another set, from coming."""
        return None if self.stateful else self.concurrency
