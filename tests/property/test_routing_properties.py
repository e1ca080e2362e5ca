"""Constrained routing is the same everywhere and for ever, and spreads its load."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alto_streams.ancestry import FIRST, Ancestry, Attempt, constraint
from alto_streams.errors import InvalidInput
from alto_streams.routing import Router, RoutingTable, constrained

partitions = st.lists(st.integers(0, 50), min_size=1, max_size=8, unique=True).map(tuple)


def test_known_constraints_keep_their_partition_in_every_release() -> None:
    path = Ancestry("q1").child(0, FIRST).child(2, FIRST)
    places = [constrained(constraint(path, depth), (0, 1, 2, 3)) for depth in (0, 1, 2)]
    assert places == [3, 2, 0]
    assert constrained(b"", (7,)) == 7


@given(st.text(max_size=20), st.integers(0, 9), st.integers(0, 99), partitions)
def test_attempts_do_not_move_a_scope(question: str, index: int, run: int, active: tuple[int, ...]) -> None:
    one = constraint(Ancestry(question).child(index, FIRST), 1)
    other = constraint(Ancestry(question).child(index, Attempt(run, run)), 1)
    assert constrained(one, active) == constrained(other, active)
    assert constrained(one, active) in active


@pytest.mark.parametrize("count", [2, 3, 8])
def test_constraints_spread_evenly(count: int) -> None:
    keys = [constraint(Ancestry(f"q{q}").child(i, FIRST), 1) for q in range(400) for i in range(5)]
    load = Counter(constrained(key, tuple(range(count))) for key in keys)
    assert min(load.values()) > 0.8 * len(keys) / count
    assert max(load.values()) < 1.2 * len(keys) / count


@given(partitions)
def test_records_without_a_constraint_go_round(active: tuple[int, ...]) -> None:
    router = Router([RoutingTable(1, {"a": active, "b": active})])
    turns = []
    for _ in range(2 * len(active)):
        turns.append(router.partition("a", 1, None))
        router.partition("b", 1, b"key")
    assert turns == list(active) * 2


@given(st.integers(0, 1000), st.dictionaries(st.text(max_size=10), partitions, max_size=5))
def test_a_table_survives_json(epoch: int, stages: dict[str, tuple[int, ...]]) -> None:
    table = RoutingTable(epoch, stages)
    assert RoutingTable.from_json(table.to_json()) == table


def test_a_question_keeps_the_table_it_came_with() -> None:
    router = Router([RoutingTable(1, {"a": (0,)}), RoutingTable(2, {"a": (5,)})])
    assert router.current == 2
    assert router.partition("a", 1, b"key") == 0
    assert router.partition("a", 2, b"key") == 5


@pytest.mark.parametrize(("stage", "epoch"), [("a", 3), ("b", 1)])
def test_an_unknown_epoch_or_stage_is_named(stage: str, epoch: int) -> None:
    router = Router([RoutingTable(1, {"a": (0,)})])
    with pytest.raises(InvalidInput, match=f"epoch {epoch} names stage '{stage}'"):
        router.partition(stage, epoch, None)
