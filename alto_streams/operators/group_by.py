"""GroupBy: one result of another operator for each key."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, NamedTuple, TypeVar

from alto_streams.errors import PipelineError
from alto_streams.operators.operator import NOTHING, Early, Mergeable, Nothing, Operator, Place, add_at
from alto_streams.operators.reading import Reading

T = TypeVar("T")


class Part(NamedTuple):
    """The state of one key, and the key as its first item in order spells it: 1 equals 1.0."""

    place: Place
    label: Hashable
    state: Any


class GroupBy(Generic[T]):
    """A dict from each `key(item)` to the result of `operator` over its items, keys in the order of their first items.

    It is empty for an empty scope. It merges, and has early results, where `operator` does; never decided, for a new
    key may always come.

    >>> from alto_streams.operators import Count
    >>> lengths = GroupBy(len, Count())
    >>> state = lengths.initial()
    >>> for place, word in enumerate(("or", "not", "to", "be")):
    ...     state = lengths.add(state, word, (place,))
    >>> lengths.result(state)
    {2: 3, 3: 1}
    """

    def __init__(self, key: Callable[[T], Hashable] | str, operator: Operator) -> None:
        if isinstance(operator, type) or not isinstance(operator, Operator):
            raise PipelineError(f"GroupBy is given {operator!r}, which is no operator.", "write GroupBy(key, Count())")
        self._key, self.operator = key, operator
        self.ordered = bool(getattr(operator, "ordered", False))
        self.placed = not self.ordered  # what comes in order has its first key first
        self._reading = Reading("GroupBy", key)
        # Only where the operator has them: a pipeline asks whether they are there.
        if isinstance(operator, Mergeable):
            self.merge = self._merge
        if isinstance(operator, Early):
            self.early = self._early
        if hasattr(operator, "open"):
            self.open = operator.open

    def initial(self) -> dict[Hashable, Part]:
        return {}

    def add(self, state: dict[Hashable, Part], item: T, place: Place = ()) -> dict[Hashable, Part]:
        label = self._reading.label(item)
        known = state.get(label) or Part(place, label, self.operator.initial())
        first = Part(place, label, None) if place < known.place else known
        state[label] = Part(first.place, first.label, add_at(self.operator, known.state, item, place))
        return state

    def _merge(self, a: dict[Hashable, Part], b: dict[Hashable, Part]) -> dict[Hashable, Part]:
        assert isinstance(self.operator, Mergeable)
        for label, part in b.items():
            # Merged into an empty state where `a` has none: a later merge may change it, and must leave `b` alone.
            known = a.get(label) or Part(part.place, part.label, self.operator.initial())
            first = part if part.place < known.place else known
            a[label] = Part(first.place, first.label, self.operator.merge(known.state, part.state))
        return a

    def result(self, state: dict[Hashable, Part]) -> dict[Hashable, Any]:
        return {part.label: self.operator.result(part.state) for part in _in_order(state)}

    def _early(self, state: dict[Hashable, Part]) -> dict[Hashable, Any] | Nothing:
        assert isinstance(self.operator, Early)
        found = {part.label: self.operator.early(part.state) for part in _in_order(state)}
        return {label: value for label, value in found.items() if value is not NOTHING} or NOTHING


def _in_order(state: dict[Hashable, Part]) -> list[Part]:
    return sorted(state.values(), key=lambda part: part.place)
