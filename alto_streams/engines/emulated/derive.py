"""Solves for the three costs of a step: the ones with which the paper's load gives the paper's times.

Three unknowns, three times (answer, claim, query), Newton's method on their logarithms. Every evaluation plays the same
seeds, none of which the tests or the documentation use. `python -m alto_streams.engines.emulated.derive` prints each
round; it takes some ten minutes.
"""

from __future__ import annotations

from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from alto_streams.engines.emulated.parameters import Parameters
from alto_streams.engines.emulated.table1 import join, play

PAPER_MS = np.array([1292.3, 403.6, 326.6])
# Of a first round with two seeds, which began at 8.5, 0.7 and 30 ms.
FIRST_GUESS_S = (0.0072, 0.00081, 0.0230)  # base, token, request
SEEDS = range(1, 9)
CLOSE = 0.005  # of each time
STEP = 0.02
LARGEST_STEP = 0.3  # the times go to infinity not far from the solution

Vector = NDArray[np.float64]


def times_ms(logarithms: Vector) -> Vector:
    """The mean times of the three stages."""
    base, token, request = (float(value) for value in np.exp(logarithms))
    stages = join(play(seed, Parameters(base, token, request)) for seed in SEEDS)
    return np.array([fmean(stage.ms_per_output) for stage in stages])


def main() -> None:
    at: Vector = np.log(np.array(FIRST_GUESS_S))
    while True:
        found = times_ms(at)
        misfit: Vector = np.log(found / PAPER_MS)
        costs = " ".join(f"{1000 * cost:.4f}" for cost in np.exp(at))
        print(f"base, token, request: {costs} ms; answer, claim, query: {found.round(1)} ms", flush=True)
        if float(np.abs(misfit).max()) < CLOSE:
            return
        steps = STEP * np.eye(len(at))
        slopes = np.column_stack([(np.log(times_ms(at - one) / PAPER_MS) - misfit) / -STEP for one in steps])
        at = at - np.clip(np.linalg.solve(slopes, misfit), -LARGEST_STEP, LARGEST_STEP)


if __name__ == "__main__":
    main()
