"""The protocol that every operator follows: what an aggregate needs, and what it may say besides."""

from __future__ import annotations

from enum import Enum
from typing import Any, Protocol, runtime_checkable

Place = tuple[int, ...]
"""An item's indices in the levels that are folded, outermost first; items in order have growing places."""


class Nothing(Enum):
    """The type of NOTHING."""

    NOTHING = "nothing"


NOTHING = Nothing.NOTHING
"""What `early` returns while no result is worth telling. Not None: None is a result, "there is no value"."""


@runtime_checkable
class Operator(Protocol):
    """What an aggregate needs.

    A class may also have

    - `merge(a, b)`: the state of both; needed to fold several levels. It may change `a`, and must leave `b` alone;
    - `open()`: called once before the first record; it makes the aggregate a stage of its own;
    - `ordered = True`: items are added, and states merged, in order, once all have come;
    - `placed = True`: `add(state, item, place)` is told the item's place, and may be called in any order;
    - `selects = True`: the result is one of the items, and so of their type;
    - `early(state)` and `decided(state)`: see `Early` and `Deciding`.

    Without `ordered` and `placed`, the result must not depend on the order of `add` and `merge`. `result` must leave
    the state alone: more may be added after it. A result of None says that there is no value: the item is dropped, as
    when a map returns None.
    """

    def initial(self) -> Any: ...

    def add(self, state: Any, item: Any) -> Any: ...

    def result(self, state: Any) -> Any: ...


@runtime_checkable
class Mergeable(Operator, Protocol):
    """`merge` is associative, and `initial()` changes nothing in it."""

    def merge(self, a: Any, b: Any) -> Any: ...


@runtime_checkable
class Early(Operator, Protocol):
    """`early(state)` is a result so far that is worth telling, or NOTHING. Later ones only improve on it."""

    def early(self, state: Any) -> Any: ...


@runtime_checkable
class Deciding(Operator, Protocol):
    """`decided(state)` is true once `result(state)` stays the same whatever else is added.

    The scope closes then, and what works for it alone is called off. Asked after each item, unless `ordered`.
    It depends on what has been added alone, so it holds for any part of the items: also for what is left of a scope
    after a crash.
    """

    def decided(self, state: Any) -> bool: ...


def add_at(operator: Operator, state: Any, item: Any, place: Place) -> Any:
    """Adds an item, with its place where the operator wants it."""
    if getattr(operator, "placed", False):
        return operator.add(state, item, place)  # type: ignore[call-arg]
    return operator.add(state, item)
