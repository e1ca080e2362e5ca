"""Count: how many items there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from alto_streams.operators.reading import Reading

T = TypeVar("T")


class Count(Generic[T]):
    """How many items there are, or for how many `predicate` is true; 0 for an empty scope. An early count only grows.

    >>> count = Count(lambda word: word.isupper())
    >>> state = count.initial()
    >>> for word in ("to", "BE", "OR"):
    ...     state = count.add(state, word)
    >>> count.result(state)
    2
    """

    def __init__(self, predicate: Callable[[T], bool] | str | None = None) -> None:
        self._predicate = predicate
        self._reading = Reading("Count", predicate) if predicate is not None else None

    def initial(self) -> int:
        return 0

    def add(self, state: int, item: T) -> int:
        return state + (self._reading is None or self._reading.flag(item))

    def merge(self, a: int, b: int) -> int:
        return a + b

    def result(self, state: int) -> int:
        return state

    def early(self, state: int) -> int:
        return state
