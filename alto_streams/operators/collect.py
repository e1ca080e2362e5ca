"""Collect: all items, in order."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Collect(Generic[T]):
    """All items as a list, in order; empty for an empty scope.

    >>> collect = Collect()
    >>> collect.result(collect.add(collect.add(collect.initial(), "a"), "b"))
    ['a', 'b']
    """

    ordered = True

    def initial(self) -> list[T]:
        return []

    def add(self, state: list[T], item: T) -> list[T]:
        state.append(item)
        return state

    def merge(self, a: list[T], b: list[T]) -> list[T]:
        return a + b

    def result(self, state: list[T]) -> list[T]:
        return list(state)
