"""What a simulation needs to know of a pipeline: its questions, its language model, and what its answers must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alto_streams.engines.protocol import Engine
from alto_streams.pipeline import Pipeline
from alto_streams.testing.result import Result
from alto_streams.testing.schedule import Faults

Check = Callable[[Result], None]
DAY_MS = 86_400_000


@dataclass(frozen=True, eq=False)
class Simulated:
    """A pipeline with questions (messages or bytes, by id), ready to be simulated under any seed.

    `check` may assert more of each result than the framework's invariants. `same` says that equal inputs give equal
    words, so that every history must give the outcomes of the undisturbed one. Functions, `pool` and `check` must keep
    nothing from one history to the next; where they do, give a function that makes them anew for each seed:

        def simulation(seed: int) -> Simulated: ...
    """

    pipeline: Pipeline
    questions: Mapping[str, Any]
    pool: Engine | None = None
    check: Check | None = None
    same: bool = True
    faults: Faults = field(default_factory=Faults)
    deadline_ms: int = DAY_MS


Case = Callable[[int], Simulated]
