"""TopK: the few items with the greatest keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from alto_streams.errors import PipelineError
from alto_streams.operators.extremes import Ranked
from alto_streams.operators.operator import NOTHING, Nothing, Place
from alto_streams.operators.reading import Reading

T = TypeVar("T")


class TopK(Generic[T]):
    """The `k` items with the greatest `key(item)`, best first, equal ones in order; [] for an empty scope.

    An early list only improves: each of its places is taken by an item that is no worse.

    >>> longest = TopK(2, key=len)
    >>> state = longest.initial()
    >>> for place, word in enumerate(("to", "question", "be", "or not")):
    ...     state = longest.add(state, word, (place,))
    >>> longest.result(state)
    ['question', 'or not']
    """

    placed = True

    def __init__(self, k: int, key: Callable[[T], Any] | str | None = None) -> None:
        if not isinstance(k, int) or isinstance(k, bool) or k < 1:
            raise PipelineError(f"TopK cannot keep {k!r} items.", "write TopK(k) with a whole number k of at least 1")
        self.k, self._key = k, key
        self._reading = Reading("TopK", key)

    def initial(self) -> tuple[Ranked[T], ...]:
        return ()

    def add(self, state: tuple[Ranked[T], ...], item: T, place: Place = ()) -> tuple[Ranked[T], ...]:
        return self.merge(state, (Ranked(self._reading.rank(item), place, item),))

    def merge(self, a: tuple[Ranked[T], ...], b: tuple[Ranked[T], ...]) -> tuple[Ranked[T], ...]:
        try:
            if len(a) == self.k and len(b) == 1 and b[0].rank < a[-1].rank:
                return a  # what most items come to
            # Two stable sorts: ranks need not have a negative to sort by both at once.
            by_place = sorted((*a, *b), key=lambda one: one.place)
            return tuple(sorted(by_place, key=lambda one: one.rank, reverse=True)[: self.k])
        except TypeError as error:
            raise self._reading.incomparable(error) from error

    def result(self, state: tuple[Ranked[T], ...]) -> list[T]:
        return [one.item for one in state]

    def early(self, state: tuple[Ranked[T], ...]) -> list[T] | Nothing:
        return self.result(state) if state else NOTHING
