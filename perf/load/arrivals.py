"""When questions are sent: times that are fixed before the first one, so that no answer can delay the next question."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count, takewhile
from random import Random

from perf.load.errors import LoadError


def arrivals(rate: float, seconds: float, to: float | None = None, *, even: bool = False, seed: int = 0) -> list[float]:
    """Ascending times in [0, seconds) at `rate` a second, or at one that goes in a straight line from `rate` to `to`.

    A Poisson process by default, or evenly spaced. Either is one of rate 1 whose times are taken through the inverse
    of the number expected until then (Çinlar's method for processes whose rate changes). Raises LoadError.

    >>> arrivals(2, 2, even=True)
    [0.25, 0.75, 1.25, 1.75]
    >>> [round(at, 2) for at in arrivals(0, 4, to=2, even=True)]
    [1.41, 2.45, 3.16, 3.74]
    """
    last = rate if to is None else to
    for asked in (rate, last):
        if not math.isfinite(asked) or asked < 0:
            raise LoadError(f"{asked} questions a second cannot be sent.", "give a rate of 0 or more")
    if rate == last == 0:
        raise LoadError("At a rate of 0 no question is sent.", "give a rate above 0")
    if not math.isfinite(seconds) or seconds < 0:
        raise LoadError(f"A load cannot last {seconds} s.", "give a number of seconds of 0 or more")
    expected = (rate + last) / 2 * seconds
    slope = (last - rate) / seconds if seconds else 0.0
    points = takewhile(lambda point: point < expected, _even() if even else _poisson(Random(seed)))
    return [min(_time(point, rate, slope), math.nextafter(seconds, 0)) for point in points]


def warmed_up(
    rate: float, warm_up_s: float, seconds: float, to: float | None = None, *, even: bool = False, seed: int = 0
) -> list[float]:
    """The same after a warm-up at `rate`; the first `warm_up_s` seconds are the warm-up."""
    before = arrivals(rate, warm_up_s, even=even, seed=~seed) if rate else []
    return before + [warm_up_s + at for at in arrivals(rate, seconds, to, even=even, seed=seed)]


def _time(expected: float, rate: float, slope: float) -> float:
    """When so many are expected: the root of rate t + slope t^2 / 2 = expected, in the form that stands slope 0."""
    return 2 * expected / (rate + math.sqrt(max(0.0, rate * rate + 2 * slope * expected)))


def _poisson(random: Random) -> Iterator[float]:
    at = 0.0
    while True:
        at += random.expovariate(1.0)
        yield at


def _even() -> Iterator[float]:
    return (number + 0.5 for number in count())
