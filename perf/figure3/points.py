"""One point of a curve: a load on a stack that runs, and what the machine spent on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from alto_streams.pipeline import Pipeline
from perf.load.arrivals import warmed_up
from perf.load.files import drawn
from perf.load.offer import offer
from perf.stack import Stack

WARM_UP_S = 5.0
DEADLINE_S = 60.0


async def point(
    stack: Stack,
    pipeline: Pipeline,
    questions: Sequence[str],
    rate: float,
    seconds: float,
    seed: int,
    watch: Callable[[Any], object] | None = None,
) -> dict[str, Any]:
    """The load generator's figures, and `processor`: its share of the machine's cores, and the stack's milliseconds
    for each question, over warm-up, window and what came after.
    """
    arrivals = warmed_up(rate, WARM_UP_S, seconds, seed=seed)
    asked = drawn(list(questions), len(arrivals), seed)
    before = stack.cpu_s()
    report = await offer(
        stack.brokers,
        arrivals,
        asked,
        pipeline,
        warm_up_s=WARM_UP_S,
        seconds=seconds,
        deadline_s=DEADLINE_S,
        watch=watch,
    )
    spent = {role: seconds - before.get(role, 0.0) for role, seconds in stack.cpu_s().items()}
    lasted = max(one.due_s + (one.ended_s or 0.0) for one in report.asked)
    found = report.figures()
    found["processor"] = {
        "share": round((sum(spent.values()) + report.cpu_s) / lasted / (os.cpu_count() or 1), 4),
        "ms_per_question": round(1000 * sum(spent.values()) / len(arrivals), 2),
        "by_role_ms": {role: round(1000 * seconds / len(arrivals), 2) for role, seconds in spent.items()},
    }
    return found
