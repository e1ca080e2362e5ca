"""What is noted while a stage works: moments, and references to what it made anyway. Times are ns since the Unix epoch.

Noting must cost next to nothing, so nothing is formatted here: see `lines`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from alto_streams.ancestry import Ancestry, Attempt
from alto_streams.effects import Effect
from alto_streams.record import Record

Outputs = list[tuple[int, list[Effect]]]


@dataclass(slots=True)
class EngineCall:
    """One request to a language model, and the text that came, as it came.

    Two lists, and not one of pairs: to make a pair costs as much as to note both.
    """

    prompt: str
    model: str
    submitted: int
    came_at: list[int] = field(default_factory=list)
    chunks: list[str] = field(default_factory=list)
    ended: int = 0


class Observation:
    """One run of a stage's function; of the coordinator, one question.

    `record` is what the run reads, or what completed what it reads, and came as `message`. Each run makes one of these:
    what most runs do not have is of the class until one has it.
    """

    first: Any = None  # message of those that were collected, and how many they were
    records = 1
    item = ""  # of an explicit stage, whose ancestry is the question alone
    ended = 0
    calls: Sequence[EngineCall] = ()
    failure = ""  # a kind, as in an outcome
    cancelled = False

    def __init__(self, record: Record, message: Any, ancestry: Ancestry, attempt: Attempt | None, begun: int) -> None:
        self.record, self.message, self.ancestry, self.attempt, self.begun = record, message, ancestry, attempt, begun
        self.outputs: Outputs = []


present: ContextVar[Observation | None] = ContextVar("present", default=None)
"""The run in which we are, also in tasks that it starts."""
