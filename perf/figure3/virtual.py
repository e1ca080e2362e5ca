"""The same point in virtual time: the engines, with a transport of 1 ms a hop and processors that cost nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

from alto_streams.engines.emulated import EmulatedEngine
from alto_streams.settings import settings
from alto_streams.testing import Simulated, simulate_timed
from alto_streams.testing.simulated import DAY_MS
from perf.figure3.shapes import INSTANCES, SHAPES
from perf.load.report import KEPT_SHARE
from perf.load.waits import Waits
from schemas.question_pb2 import Question


def virtual_point(shape: str, streaming: bool, questions: Sequence[str], rate: float, seconds: float, seed: int) -> Any:
    """`offered_per_s`, `achieved_per_s`, `kept` and two of the waits, as a measured point has them."""
    chosen = SHAPES[shape]
    pipeline = chosen.factool(0.0, 0.0)
    for stage in pipeline.plan.stages:
        for resource in stage.resources():
            resource.open()
    number = max(1, round(rate * seconds))
    texts = Random(seed).choices(questions, k=number)
    asked = {f"q{n}": Question(text=text) for n, text in enumerate(texts)}
    with _engine_set(chosen.engine_url):
        result = simulate_timed(
            Simulated(pipeline, asked, deadline_ms=DAY_MS),
            seed,
            engine=lambda clock: EmulatedEngine.from_url(chosen.engine_url, clock=clock),
            instances=INSTANCES,
            rate=rate,
            streaming=streaming,
        )
    timings = result.timings.values()
    waits = {
        "first_verdict": [one.first_output - one.asked for one in timings if one.first_output is not None],
        "outcome": [one.ended - one.asked for one in timings if one.ended is not None],
    }
    last = max(timing.asked for timing in timings)
    achieved = sum(timing.ended is not None and timing.ended <= last for timing in timings) / number
    return {
        "offered_per_s": rate,
        "achieved_per_s": round(achieved * rate, 4),
        "kept": achieved >= KEPT_SHARE,
        "waits": {name: Waits(found).figures() for name, found in waits.items()},
    }


@contextmanager
def _engine_set(url: str) -> Iterator[None]:
    """As in a worker of a stack. Appraisal goes by this setting: it asks no engine that it has no parameters for."""
    name = "ALTO_ENGINE_URL"
    before = os.environ.get(name)
    os.environ[name] = url
    settings.cache_clear()
    try:
        yield
    finally:
        os.environ.pop(name) if before is None else os.environ.update({name: before})
        settings.cache_clear()
