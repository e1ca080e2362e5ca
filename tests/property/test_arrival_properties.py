"""Arrivals of a load: at the rate asked for on average, where it changes too, and the same for the same seed."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from perf.load.arrivals import arrivals, warmed_up

rates = st.floats(0.5, 200)
seconds = st.floats(1, 60)
seeds = st.integers(0, 2**32)


def expected(until: float, rate: float, to: float, whole: float) -> float:
    return rate * until + (to - rate) * until * until / (2 * whole)


def close(counted: int, mean: float) -> bool:
    """Within seven standard deviations of a Poisson number, and one for what is not whole."""
    return abs(counted - mean) <= 7 * math.sqrt(mean) + 1


@given(rates, rates, seconds, seeds)
def test_each_half_of_a_ramp_has_as_many_arrivals_as_its_rate_integrates_to(rate, to, whole, seed):
    times = arrivals(rate, whole, to, seed=seed)
    first = sum(at < whole / 2 for at in times)
    half = expected(whole / 2, rate, to, whole)
    assert close(first, half)
    assert close(len(times) - first, expected(whole, rate, to, whole) - half)


@given(rates, seconds, seeds)
def test_a_constant_rate_is_kept_on_average(rate, whole, seed):
    times = arrivals(rate, whole, seed=seed)
    assert close(len(times), rate * whole)
    assert close(sum(at < whole / 2 for at in times), rate * whole / 2)


@given(rates, seconds)
def test_gaps_between_poisson_arrivals_vary_as_much_as_they_last(rate, whole):
    """The mean square of an exponential gap is twice the square of its mean; of an even one it is just the square."""
    times = arrivals(rate, 4000 / rate, seed=round(whole * 1000))
    gaps = [later - earlier for earlier, later in pairwise(times)]
    ratio = math.fsum(gap * gap for gap in gaps) / len(gaps) * rate * rate
    assert 1.6 < ratio < 2.4


@given(st.floats(0, 200), rates, seconds, st.floats(0, 1))
def test_even_arrivals_follow_the_ramp_at_every_moment(rate, to, whole, part):
    times = arrivals(rate, whole, to, even=True)
    counted = sum(at <= part * whole for at in times)
    assert abs(counted - expected(part * whole, rate, to, whole)) <= 0.5 + 1e-6


@given(rates, rates, seconds, seeds, st.booleans())
def test_they_ascend_lie_within_and_repeat(rate, to, whole, seed, even):
    times = arrivals(rate, whole, to, even=even, seed=seed)
    assert times == sorted(times) == arrivals(rate, whole, to, even=even, seed=seed)
    assert all(0 <= at < whole for at in times)


@given(rates, seconds, seconds, seeds)
def test_a_warm_up_is_arrivals_before_the_same_arrivals(rate, warm_up, whole, seed):
    times = warmed_up(rate, warm_up, whole, seed=seed)
    measured = arrivals(rate, whole, seed=seed)
    before = times[: len(times) - len(measured)]
    assert close(len(before), rate * warm_up)
    assert all(at < warm_up for at in before)
    assert times[len(before) :] == [warm_up + at for at in measured]


def test_seeds_differ():
    assert arrivals(5, 20, seed=1) != arrivals(5, 20, seed=2)
