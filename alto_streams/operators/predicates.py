"""Any and All: whether a predicate is true for some item, for every item. One item can decide them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from alto_streams.operators.operator import NOTHING, Nothing
from alto_streams.operators.reading import Reading

T = TypeVar("T")


class Any(Generic[T]):
    """Whether `predicate` is true for some item; False for an empty scope. Decided by the first item that is so.

    >>> shouted = Any(lambda word: word.isupper())
    >>> state = shouted.add(shouted.initial(), "TO")
    >>> shouted.decided(state), shouted.result(state)
    (True, True)
    """

    def __init__(self, predicate: Callable[[T], bool] | str) -> None:
        self._predicate = predicate
        self._reading = Reading("Any", predicate)

    def initial(self) -> bool:
        return False

    def add(self, state: bool, item: T) -> bool:
        return self._reading.flag(item) or state

    def merge(self, a: bool, b: bool) -> bool:
        return a or b

    def result(self, state: bool) -> bool:
        return state

    def early(self, state: bool) -> bool | Nothing:
        return True if state else NOTHING

    def decided(self, state: bool) -> bool:
        return state


class All(Generic[T]):
    """Whether `predicate` is true for every item; True for an empty scope. Decided by the first item that is not so.

    >>> shouted = All(lambda word: word.isupper())
    >>> state = shouted.add(shouted.initial(), "be")
    >>> shouted.decided(state), shouted.result(state)
    (True, False)
    """

    def __init__(self, predicate: Callable[[T], bool] | str) -> None:
        self._predicate = predicate
        self._reading = Reading("All", predicate)

    def initial(self) -> bool:
        return True

    def add(self, state: bool, item: T) -> bool:
        return self._reading.flag(item) and state

    def merge(self, a: bool, b: bool) -> bool:
        return a and b

    def result(self, state: bool) -> bool:
        return state

    def early(self, state: bool) -> bool | Nothing:
        return NOTHING if state else False

    def decided(self, state: bool) -> bool:
        return not state
