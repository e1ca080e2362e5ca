"""What a stage's function may know of the world: its engine, the question it works for, and how long it may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alto_streams.ancestry import FIRST, Attempt

if TYPE_CHECKING:
    from alto_streams.engines.protocol import Engine


@dataclass(frozen=True, slots=True)
class Context:
    """One run of a stage. Cancellation arrives as asyncio.CancelledError at the next await."""

    question_id: str
    item_id: str
    deadline: float  # seconds since the Unix epoch
    pool: Engine | None = None
    attempt: Attempt = FIRST  # greater in each later run of one input: a fencing token for what is written elsewhere

    @property
    def engine(self) -> Engine:
        """The language model of the stage's pool. Raises RuntimeError where the stage declares none."""
        if self.pool is None:
            raise RuntimeError('This stage has no engine: declare it in the graph with uses="lm".')
        return self.pool
