"""Queues and stages of an explicit pipeline: as they are declared, and as they are deployed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alto_streams.effects import Channel
from alto_streams.plan import StagePlan

if TYPE_CHECKING:
    from alto_streams.engines.protocol import Prompt

EXPLICIT = "explicit"
QUESTION = "question"  # what the first id of every constraint names
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
class Declared:
    """A stage as its author declares it."""

    name: str
    function: Callable[..., Any]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    uses: str | None
    prompt: Prompt | None
    concurrency: int


@dataclass(frozen=True)
class Outlet:
    """A queue that a stage writes, and the stage and port that read it; no stage where the client does."""

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
