"""Annotations are compared as far as they say something, and no further."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import pytest

from alto_streams.matching import bound, fits, shown, takes_none

T = TypeVar("T")


class Scored(Protocol):
    score: float


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (int, int),
        (bool, int),
        (int, float),
        (list[int], list[int]),
        (list[int], list),
        (list, list[int]),
        (list[int], Sequence[int]),
        (list[bool], Iterable[int]),
        (list[int], list[int] | None),
        (list[int], list[Any]),
        (list[int], list[T]),
        (list[int], object),
        (int | float, int),
        (dict[Hashable, Any], dict[str, int]),
        (dict[str, int], Mapping[str, int]),
        (int, Scored),
        (None, int),
        (int, None),
        (T, int),
    ],
)
def test_it_fits(given: Any, wanted: Any) -> None:
    assert fits(given, wanted)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (int, str),
        (float, int),
        (int, bool),
        (list[int], list[str]),
        (list[list[int]], list[list[str]]),
        (list[int], Sequence[str]),
        (list[int], dict[str, int]),
        (list[int], int),
        (list[int], list[str] | None),
        (int | float, str),
        (dict[str, int], dict[str, str]),
    ],
)
def test_it_does_not_fit(given: Any, wanted: Any) -> None:
    assert not fits(given, wanted)


@pytest.mark.parametrize(("wanted", "takes"), [(int | None, True), (Any, True), (None, True), (int, False)])
def test_what_takes_none(wanted: Any, takes: bool) -> None:
    assert takes_none(wanted) is takes


def test_a_type_variable_stands_for_what_it_is_bound_to() -> None:
    assert bound(list[T], {T: int}) == list[int]
    assert bound(list[list[T]], {T: int}) == list[list[int]]
    assert bound(T, {T: int}) is int
    assert bound(list[T]) is list
    assert bound(T) is None
    assert bound(int, {T: str}) is int


def test_a_type_is_shown_as_in_code() -> None:
    assert [shown(list[int]), shown(dict[str, list[Scored]]), shown(int | None)] == [
        "list[int]", "dict[str, list[Scored]]", "int | None"
    ]  # fmt: skip
