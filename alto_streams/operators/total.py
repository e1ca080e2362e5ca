"""Sum and Mean, exact until the end, so that neither the order nor the split of the items can show.

A running sum of floats depends on the order of its terms; `math.fsum` does not, but it must keep them all, and where a
part of the sum overflows its outcome depends on the order again. Every finite double is a whole multiple of 2**-1074,
so the state is one integer, in that unit: it adds and merges exactly in about 300 bytes, and the result is rounded
once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from alto_streams.errors import InvalidInput
from alto_streams.operators.reading import Reading

T = TypeVar("T")

BITS = 1074  # the least positive double is 2**-1074


class Total(NamedTuple):
    """The exact sum of so many `terms`, in units of 2**-1074; `whole` while all of them were ints."""

    units: int
    terms: int
    whole: bool


class _Totals(Generic[T]):
    def __init__(self, value: Callable[[T], int | float] | str | None = None) -> None:
        self._value = value
        self._reading = Reading(type(self).__name__, value)

    def initial(self) -> Total:
        return Total(0, 0, True)

    def add(self, state: Total, item: T) -> Total:
        number = self._reading.number(item)
        if isinstance(number, int):
            return Total(state.units + (number << BITS), state.terms + 1, state.whole)
        numerator, denominator = number.as_integer_ratio()  # the denominator is a power of two
        units = numerator << (BITS + 1 - denominator.bit_length())
        return Total(state.units + units, state.terms + 1, False)

    def merge(self, a: Total, b: Total) -> Total:
        return Total(a.units + b.units, a.terms + b.terms, a.whole and b.whole)

    def _float(self, state: Total, parts: int) -> float:
        """The sum divided by `parts`, rounded once: true division of integers is exact up to that."""
        try:
            return state.units / (parts << BITS)
        except OverflowError:
            name = self._reading.operator
            raise InvalidInput(
                "too_large", f"The result of {name} is too large for a float.", f"scale what {name} reads"
            ) from None


class Sum(_Totals[T]):
    """The sum of the items, or of `value(item)`: an int if all are ints; 0 for an empty scope.

    >>> total = Sum()
    >>> state = total.initial()
    >>> for number in (0.1, 1e100, 0.2, -1e100):
    ...     state = total.add(state, number)
    >>> total.result(state)
    0.30000000000000004
    """

    def result(self, state: Total) -> int | float:
        return state.units >> BITS if state.whole else self._float(state, 1)


class Mean(_Totals[T]):
    """The mean of the items, or of `value(item)`; `default`, or no value (None), for an empty scope.

    >>> mean = Mean(lambda word: len(word))
    >>> mean.result(mean.add(mean.add(mean.initial(), "to"), "be or"))
    3.5
    """

    def __init__(self, value: Callable[[T], int | float] | None = None, *, default: float | None = None) -> None:
        super().__init__(value)
        self.default = default

    def result(self, state: Total) -> float | None:
        return self._float(state, state.terms) if state.terms else self.default
