"""First: the item that comes first in order."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

from alto_streams.operators.operator import NOTHING, Nothing, Place

T = TypeVar("T")


class Earliest(NamedTuple, Generic[T]):
    """The item in the earliest place so far."""

    place: Place
    item: T


class First(Generic[T]):
    """The first item in order, whichever comes first in time; `default`, or no value (None), for an empty scope.

    Decided once the item at index 0 is there. Where that one was dropped, the scope must close to tell which is first.

    >>> first = First()
    >>> state = first.add(first.initial(), "or", (1,))
    >>> first.decided(state)
    False
    >>> state = first.add(state, "be", (0,))
    >>> first.decided(state), first.result(state)
    (True, 'be')
    """

    placed = True
    selects = True

    def __init__(self, *, default: T | None = None) -> None:
        self.default = default

    def initial(self) -> Earliest[T] | None:
        return None

    def add(self, state: Earliest[T] | None, item: T, place: Place = ()) -> Earliest[T] | None:
        return self.merge(state, Earliest(place, item))

    def merge(self, a: Earliest[T] | None, b: Earliest[T] | None) -> Earliest[T] | None:
        if a is None or b is None:
            return b if a is None else a
        return b if b.place < a.place else a

    def result(self, state: Earliest[T] | None) -> T | None:
        return self.default if state is None else state.item

    def early(self, state: Earliest[T] | None) -> T | Nothing:
        return state.item if state is not None and self.decided(state) else NOTHING

    def decided(self, state: Earliest[T] | None) -> bool:
        return state is not None and state.place != () and not any(state.place)
