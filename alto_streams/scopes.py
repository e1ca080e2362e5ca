"""Completion by arithmetic: a scope is done when its count is known and every child has arrived, in any order.

Or sooner, where its operator says that it is decided: nothing that may still come can change the result.

A `Scope` is a tree of as many levels as an aggregate closes. Each update costs O(levels). Duplicates are recognised by
their index; a later attempt throws away what an earlier one left. Every update adds to `released` the deliveries that
may be acknowledged at once because nothing will need them again; they count even when the operator raises.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from alto_streams.ancestry import Attempt, Path
from alto_streams.operators import Operator, Place, add_at

D = TypeVar("D")

_bare = object.__new__
EMPTY: Any = object()  # stands for an item that was dropped but counts


class Scope(Generic[D]):
    """The children of one expand, down to `depth` levels (1: its children are items)."""

    __slots__ = (
        "attempt", "children", "count", "decided", "decides", "depth", "done", "held", "operator", "ordered", "placed",
        "state",
    )  # fmt: skip

    def __init__(self, depth: int, operator: Operator) -> None:
        self.depth, self.operator = depth, operator
        self.ordered: bool = getattr(operator, "ordered", False)
        self.placed: bool = getattr(operator, "placed", False)
        self.decides = hasattr(operator, "decided") and not self.ordered
        self._reset(None)

    def fresh(self) -> Scope[D]:
        """Another one of as many levels and this operator, of which nothing has come."""
        scope: Scope[D] = _bare(Scope)  # without asking the operator again what it can do
        scope.depth, scope.operator = self.depth, self.operator
        scope.ordered, scope.placed, scope.decides = self.ordered, self.placed, self.decides
        scope._reset(None)
        return scope

    def _reset(self, attempt: Attempt | None) -> None:
        self.attempt = attempt
        self.count: int | None = None
        self.done = 0  # children that are complete
        self.children: dict[int, Any] = {}
        self.held: list[D] = []
        self.state: Any = self.operator.initial()
        self.decided = False

    @property
    def complete(self) -> bool:
        """Whether all children have come; a scope that is decided may not be."""
        return self.count == self.done

    def _decide(self) -> None:
        """A child may have been replaced by a later attempt's: what was decided need not be any more."""
        self.decided = self.operator.decided(self.folded())  # type: ignore[attr-defined]

    def _admit(self, attempt: Attempt, released: list[D]) -> bool:
        """False for a record of an attempt that has been replaced; a newer attempt empties the scope."""
        if attempt == self.attempt:
            return True
        if self.attempt is not None:
            if attempt < self.attempt:
                return False
            released.extend(self.deliveries())
            self._reset(attempt)
        self.attempt = attempt
        return True

    def _child(self, index: int) -> Scope[D]:
        child = self.children.get(index)
        if child is None:
            child = self.children[index] = Scope(self.depth - 1, self.operator)
        return child

    def add(self, steps: Path, value: Any, delivery: D, released: list[D], above: Place = ()) -> None:
        """Takes one item (or EMPTY) at the path below this scope, which lies at `above` in those above it."""
        index, attempt = steps[0]
        if self.depth == 1:
            self.add_child(index, attempt, value, delivery, released, above)
        elif not self._admit(attempt, released):
            released.append(delivery)
        else:
            child = self._child(index)
            before = child.complete
            try:
                child.add(steps[1:], value, delivery, released, (*above, index))
            finally:
                self.done += child.complete - before
            if self.decides:
                self._decide()

    def add_child(
        self, index: int, attempt: Attempt, value: Any, delivery: D, released: list[D], above: Place = ()
    ) -> None:
        """Takes one item (or EMPTY) of a scope of one level."""
        if attempt != self.attempt and not self._admit(attempt, released):
            released.append(delivery)
            return
        children = self.children  # of this attempt
        if index in children:
            released.append(delivery)
            return
        if self.ordered:
            children[index] = value
        else:
            if value is EMPTY:
                pass
            elif self.placed:
                self.state = add_at(self.operator, self.state, value, (*above, index))
            else:
                self.state = self.operator.add(self.state, value)
            children[index] = None
        self.done += 1
        self.held.append(delivery)
        if self.decides:
            self._decide()

    def close(self, steps: Path, attempt: Attempt, count: int, delivery: D | None, released: list[D]) -> None:
        """Takes the count of the scope at `steps` below this one; without a delivery it came with an item."""
        if not self._admit(steps[0].attempt if steps else attempt, released):
            if delivery is not None:
                released.append(delivery)
        elif steps:
            child = self._child(steps[0].position)
            before = child.complete
            child.close(steps[1:], attempt, count, delivery, released)
            self.done += child.complete - before
            if self.decides:
                self._decide()
        elif self.count is None:
            self.count = count
            if delivery is not None:
                self.held.append(delivery)
        elif delivery is not None:
            released.append(delivery)

    def same_runs(self, other: Scope[D], levels: int) -> bool:
        """Whether what has come here and there was written by the same runs, down to so many levels."""
        if self.attempt != other.attempt:
            return False
        both = self.children.keys() & other.children.keys() if levels > 1 else ()
        return all(self.children[index].same_runs(other.children[index], levels - 1) for index in both)

    def deliveries(self) -> list[D]:
        """Every delivery that the scope and the scopes below it hold."""
        if self.depth == 1:
            return list(self.held)
        return self.held + [d for child in self.children.values() for d in child.deliveries()]

    def folded(self) -> Any:
        """The operator's state over all children, in the order of their indices."""
        children = [self.children[index] for index in sorted(self.children)]
        if self.depth == 1 and not self.ordered:
            return self.state
        state = self.operator.initial()  # so that folding twice gives the same
        if self.depth == 1:
            for value in children:
                if value is not EMPTY:
                    state = self.operator.add(state, value)
            return state
        for child in children:
            state = self.operator.merge(state, child.folded())  # type: ignore[attr-defined]
        return state

    def result(self) -> Any:
        return self.operator.result(self.folded())

    def progress(self) -> tuple[int, int | None]:
        """Children done, and how many there will be (None while that is unknown)."""
        return self.done, self.count
