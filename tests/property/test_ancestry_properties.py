"""An ancestry is its question and path, however it was made; what it keeps is what its path says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alto_streams.ancestry import Ancestry, Attempt, Path, Step, constraint

attempts = st.builds(Attempt, st.integers(0, 3), st.integers(0, 3))
paths = st.lists(st.builds(Step, st.integers(0, 20), attempts), max_size=5).map(tuple)


@given(paths, st.integers(0, 5))
def test_a_path_is_its_levels(path: Path, depth: int) -> None:
    item = Ancestry.at("q", path)
    assert item.path == path
    assert item.depth == len(path)
    assert item.below(depth) == path[depth:]
    assert item.cut(depth) == Ancestry.at("q", path[:depth])
    grown = _grown(Ancestry("q"), path)
    assert grown == item
    assert hash(grown) == hash(item)


@given(paths, paths)
def test_equal_is_equal_in_question_and_path(one: Path, other: Path) -> None:
    assert (Ancestry.at("q", one) == Ancestry.at("q", other)) == (one == other)
    assert Ancestry.at("q", one) != Ancestry.at("r", one)


@given(paths, paths, st.lists(st.integers(0, 6), max_size=6))
def test_keys_versions_and_constraints_are_of_the_path_in_whatever_order_they_are_asked_for(
    one: Path, other: Path, depths: list[int]
) -> None:
    shared = Ancestry.at("q", one)
    for path, item in ((one, shared), (one + other, _grown(shared, other))):
        for depth in depths:
            cut = path[:depth]
            assert item.key(depth) == ("q", *(step.position for step in cut))
            assert item.version(depth) == tuple(step.attempt for step in cut)
            assert constraint(item, depth) == "\0".join(("q", *(str(step.position) for step in cut))).encode()


def _grown(item: Ancestry, path: Path) -> Ancestry:
    for step in path:
        item = item.child(*step)
    return item
