"""Aggregation operators: how the items of a scope become one value.

An operator is a small object: `initial()` gives an empty state, `add(state, item)` returns the state with the item in
it, `result(state)` the value. `merge(a, b)` joins the states of two scopes; an aggregate over several levels needs it.
With `ordered = True` items are added in the order of their indices once all have come; otherwise as they arrive, and
`add` must then not depend on the order.
"""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

T = TypeVar("T")


@runtime_checkable
class Operator(Protocol):
    """What an aggregate needs; a class may also have `merge`, `ordered` and `open()`."""

    def initial(self) -> Any: ...

    def add(self, state: Any, item: Any) -> Any: ...

    def result(self, state: Any) -> Any: ...


class Collect(Generic[T]):
    """All items as a list, in order.

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
        return state
