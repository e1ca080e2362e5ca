"""Min and Max: the item with the least or the greatest key."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from alto_streams.operators.operator import NOTHING, Nothing, Place
from alto_streams.operators.reading import Reading

T = TypeVar("T")


class Ranked(NamedTuple, Generic[T]):
    """An item with what it is ranked by; of two with equal ranks the one in the earlier place comes first."""

    rank: Any
    place: Place
    item: T


class _Extreme(ABC, Generic[T]):
    placed = True
    selects = True

    def __init__(self, key: Callable[[T], Any] | str | None = None, *, default: T | None = None) -> None:
        self._key, self.default = key, default
        self._reading = Reading(type(self).__name__, key)

    @abstractmethod
    def _better(self, a: Any, b: Any) -> bool:
        """Whether rank `a` wins over rank `b`."""

    def initial(self) -> Ranked[T] | None:
        return None

    def add(self, state: Ranked[T] | None, item: T, place: Place = ()) -> Ranked[T] | None:
        return self.merge(state, Ranked(self._reading.rank(item), place, item))

    def merge(self, a: Ranked[T] | None, b: Ranked[T] | None) -> Ranked[T] | None:
        if a is None or b is None:
            return b if a is None else a
        try:
            if self._better(a.rank, b.rank):
                return a
            return b if self._better(b.rank, a.rank) or b.place < a.place else a
        except TypeError as error:
            raise self._reading.incomparable(error) from error

    def result(self, state: Ranked[T] | None) -> T | None:
        return self.default if state is None else state.item

    def early(self, state: Ranked[T] | None) -> T | Nothing:
        return NOTHING if state is None else state.item


class Min(_Extreme[T]):
    """The item with the least `key(item)`, the first of equal ones; `default`, or no value, for an empty scope.

    >>> shortest = Min(len)
    >>> shortest.result(shortest.add(shortest.add(shortest.initial(), "be"), "question"))
    'be'
    """

    def _better(self, a: Any, b: Any) -> bool:
        return bool(a < b)


class Max(_Extreme[T]):
    """The item with the greatest `key(item)`, the first of equal ones; `default`, or no value, for an empty scope.

    >>> longest = Max(len)
    >>> longest.result(longest.add(longest.add(longest.initial(), "be"), "question"))
    'question'
    """

    def _better(self, a: Any, b: Any) -> bool:
        return bool(a > b)
