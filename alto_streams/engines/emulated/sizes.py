"""How many claims, queries and words an emulated answer has: drawn to the means and deviations of the paper's table 1.

Every size there is a positive integer whose variance is greater than its mean less one. One plus a negative binomial
number is the family with just that: it starts at one, its two parameters follow from mean and deviation in closed
form, and it has one smooth hump, or falls from one on where the deviation is as large as the mean (the words of an
answer). A normal number, cut at one and rounded, would have another mean and another deviation than asked.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from math import exp, lgamma, log
from random import Random

TAIL = 1e-11  # a table of probabilities ends where the next one is less


class Size:
    """A random positive integer with this mean and standard deviation.

    With m = mean - 1 and v = deviation squared, the negative binomial number has p = m / v and r = m p / (1 - p).
    Raises ValueError where v is not greater than m.
    """

    def __init__(self, mean: float, deviation: float) -> None:
        over, variance = mean - 1, deviation**2
        if not 0 < over < variance:
            raise ValueError(f"No such size: mean {mean}, deviation {deviation}.")
        self.mean, self.deviation = mean, deviation
        p = over / variance
        r = over * p / (1 - p)
        chances: list[float] = []
        while len(chances) < 2 * mean or chances[-1] > TAIL:
            k = len(chances)
            chances.append(exp(lgamma(k + r) - lgamma(r) - lgamma(k + 1) + r * log(p) + k * log(1 - p)))
        self._up_to = list(accumulate(chances))

    def draw(self, random: Random) -> int:
        return 1 + min(bisect_right(self._up_to, random.random()), len(self._up_to) - 1)


@dataclass(frozen=True, slots=True)
class Sizes:
    """What one request makes: some outputs of some words each."""

    outputs: Size | None  # None: always one
    words: Size

    def draw(self, random: Random) -> list[int]:
        """The words of each output."""
        count = self.outputs.draw(random) if self.outputs else 1
        return [self.words.draw(random) for _ in range(count)]


ANSWER = Sizes(None, Size(62.5, 57.2))
CLAIMS = Sizes(Size(3.3, 1.8), Size(9.8, 3.5))
QUERIES = Sizes(Size(2.5, 1.3), Size(5.5, 3.1))
