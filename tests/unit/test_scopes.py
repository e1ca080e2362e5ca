"""What a scope holds and lets go where an operator raises."""

from __future__ import annotations

import pytest

from alto_streams.ancestry import Attempt, Step
from alto_streams.operators import Collect
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
