"""What is noted while a stage works: moments, and references to what it made anyway. Times are ns since the Unix epoch.

Noting must cost next to nothing, so nothing is formatted here: see `lines`.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from alto_streams.ancestry import Ancestry, Attempt
from alto_streams.effects import Effect
from alto_streams.record import Record

Outputs = list[tuple[int, list[Effect]]]


@dataclass(slots=True)
class Fold:
    """What came for one key of a stateful stage, until it was complete."""

    first: Record
    sent: float  # Kafka's timestamp of the first record, in seconds
    begun: int
    records: int = 0


@dataclass(slots=True)
class Arrival:
    """The record that a run reads, or the one that completed what it reads."""

    record: Record
    sent: float
    received: int
    fold: Fold | None = None


@dataclass(slots=True)
class EngineCall:
    """One request to a language model, and the text that came, as it came."""

    prompt: str
    model: str
    submitted: int
    chunks: list[tuple[int, str]] = field(default_factory=list)
    ended: int = 0


@dataclass(slots=True)
class Observation:
    """One run of a stage's function; of the coordinator, one question. `failure` is a kind, as in an outcome."""

    arrival: Arrival
    ancestry: Ancestry
    attempt: Attempt | None
    begun: int
    item: str = ""  # of an explicit stage, whose ancestry is the question alone
    ended: int = 0
    outputs: Outputs = field(default_factory=list)
    calls: list[EngineCall] = field(default_factory=list)
    failure: str = ""
    cancelled: bool = False


present: ContextVar[Observation | None] = ContextVar("present", default=None)
"""The run in which we are, also in tasks that it starts."""
