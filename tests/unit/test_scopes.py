"""What a scope holds, what it lets go where an operator raises, and when it is decided."""

from __future__ import annotations

import pytest

from alto_streams.ancestry import FIRST, Attempt, Path, Step
from alto_streams.operators import Any, Collect, Vote
from alto_streams.scopes import EMPTY, Scope


class Picky(Collect[str]):
    ordered = False

    def add(self, state: list[str], item: str) -> list[str]:
        if item == "bad":
            raise ValueError(item)
        return [*state, item]


@pytest.mark.parametrize("depth", [1, 2])
def test_what_a_later_attempt_replaces_is_released_though_its_first_item_raises(depth: int) -> None:
    scope: Scope[int] = Scope(depth, Picky())
    released: list[int] = []
    first, second = (Attempt(n, 0) for n in (1, 2))
    for index in range(2):
        scope.add((Step(index, first),) * depth, "good", index, released)
    with pytest.raises(ValueError, match="bad"):
        scope.add((Step(0, second),) * depth, "bad", 2, released)
    assert released == [0, 1]
    assert scope.deliveries() == []


def test_dropped_items_count_and_have_no_value() -> None:
    scope: Scope[int] = Scope(1, Collect())
    released: list[int] = []
    for index, value in enumerate(("a", EMPTY, "c")):
        scope.add((Step(index, Attempt(1, 0)),), value, index, released)
        assert not scope.complete
    assert scope.progress() == (3, None)
    scope.close((), Attempt(1, 0), 3, 3, released)
    assert scope.complete
    assert scope.result() == ["a", "c"]
    assert scope.deliveries() == [0, 1, 2, 3]


def item(index: int, attempt: int = 0, above: int | None = None) -> Path:
    leaf = Step(index, Attempt(0, attempt))
    return (leaf,) if above is None else (Step(above, FIRST), leaf)


def test_a_scope_is_decided_by_one_item_until_a_later_attempt_replaces_it() -> None:
    scope: Scope[int] = Scope(1, Any(bool))
    scope.add(item(0), False, 0, [])
    assert not scope.decided
    scope.add(item(1), True, 1, [])
    assert scope.decided
    assert not scope.complete
    released: list[int] = []
    scope.add(item(0, attempt=1), False, 2, released)
    assert not scope.decided
    assert released == [0, 1]


def test_a_child_that_is_replaced_takes_the_decision_of_its_parent_along() -> None:
    scope: Scope[int] = Scope(2, Vote(of=3))
    scope.add(item(0, above=0), "yes", 0, [])
    assert not scope.decided
    scope.add(item(0, above=1), "yes", 1, [])
    assert scope.decided  # though neither child is
    scope.close((Step(1, FIRST),), Attempt(0, 1), 1, 2, [])
    assert not scope.decided


def test_what_is_folded_in_order_is_not_decided_before_all_have_come() -> None:
    class Found(Collect[bool]):
        def decided(self, state: list[bool]) -> bool:
            return any(state)

    scope: Scope[int] = Scope(1, Found())
    scope.add(item(0), True, 0, [])
    assert not scope.decided
