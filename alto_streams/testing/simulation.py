"""Runs a pipeline in memory under faults: one seed, one history.

Everything that a cluster interleaves is one small step here: a record is delivered, a function goes on to its next
yield, a send arrives, an offset is committed, an instance dies. A failure names its seed, which repeats it exactly, and
the least schedule that was found to break the same invariant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alto_streams.engines.protocol import Engine
from alto_streams.pipeline import Pipeline
from alto_streams.testing.activity import NotScripted
from alto_streams.testing.failure import SimulationError
from alto_streams.testing.history import History
from alto_streams.testing.result import Result
from alto_streams.testing.schedule import Faults, Schedule
from alto_streams.testing.shrink import SHRINK_S, Histories, shrink
from alto_streams.testing.simulated import DAY_MS, Case, Check, Simulated


def simulate(
    pipeline: Pipeline,
    questions: Mapping[str, Any],
    seed: int,
    faults: Faults = Faults(),  # noqa: B008 - frozen
    *,
    pool: Engine | None = None,
    deadline_ms: int = DAY_MS,
    check: Check | None = None,
    shrink_s: float = SHRINK_S,
) -> Result:
    """One random history of the questions (messages or bytes, by id). Raises SimulationError where an invariant breaks.

    Functions must await nothing but `asyncio.sleep(0)` and scripted engines. `check` may assert more of the result.
    A failure is shrunk for `shrink_s` seconds at most, for which functions, `pool` and `check` must keep nothing from
    one history to the next; see `simulate_case` for those that do.
    """
    case = Simulated(pipeline, questions, pool, check, same=False, faults=faults, deadline_ms=deadline_ms)
    return simulate_case(lambda _: case, seed, shrink_s=shrink_s)


def simulate_case(
    case: Case | Simulated, seed: int, *, schedule: Schedule | None = None, shrink_s: float = SHRINK_S
) -> Result:
    """As `simulate`; `case` may be a function of the seed, which makes all that keeps a state anew for each history.

    With a schedule (that of a SimulationError), its history is repeated in place of the seed's random one.
    """
    return simulate_one(Histories(case), seed, schedule, shrink_s)


def simulate_one(
    histories: Histories, seed: int, schedule: Schedule | None = None, shrink_s: float = SHRINK_S
) -> Result:
    """As `simulate_case`, for one of many seeds."""
    history: History | None = None
    try:
        history, expected = histories.begin(seed, schedule)
        return history.run(expected)
    except NotScripted:
        raise
    except Exception as error:
        history = history or histories.undisturbed(seed)
        shrunk = shrink(histories, seed, history, error, shrink_s)
        raise SimulationError(error, seed, history, shrunk, shrink_s > 0) from error
