"""Each operator gives the same whatever the order and the split of its items, and takes back nothing it has decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alto_streams.ancestry import FIRST, Step
from alto_streams.errors import InvalidInput
from alto_streams.operators import (
    NOTHING,
    All,
    Collect,
    Count,
    Deciding,
    Early,
    First,
    GroupBy,
    Into,
    Max,
    Mean,
    Mergeable,
    Min,
    Operator,
    Place,
    Reduce,
    Sum,
    TopK,
    Vote,
    add_at,
)
from alto_streams.operators import Any as AnyOf
from alto_streams.scopes import Scope


class Item(NamedTuple):
    """Few ranks and words, so that ties are common; `size` is any finite number."""

    rank: int | float
    word: str
    size: int | float


SIZES = st.one_of(st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False))
ITEMS = st.lists(
    st.builds(Item, st.sampled_from([0, 1, 1.0, True, 0.0, -0.0, 2]), st.sampled_from("abc"), SIZES), max_size=8
)
Placed = tuple[Place, Item]


def rank(item: Item) -> int | float:
    return item.rank


def word(item: Item) -> str:
    return item.word


def size(item: Item) -> int | float:
    return item.size


def rare(item: Item) -> bool:
    return item.rank == 2


def joined(text: str, item: Item) -> str:
    return text + item.word


def counted(so_far: dict[str, int], item: Item) -> dict[str, int]:
    so_far[item.word] = so_far.get(item.word, 0) + 1
    return so_far


def both(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    return {key: a.get(key, 0) + b.get(key, 0) for key in sorted(a | b)}


CASES: dict[str, Operator] = {
    "all": All(lambda item: not rare(item)),
    "any": AnyOf(rare),
    "collect": Collect(),
    "count": Count(),
    "count of a predicate": Count(rare),
    "first": First(),
    "group by, collect": GroupBy(word, Collect()),
    "group by, count": GroupBy(rank, Count()),
    "group by, first": GroupBy(word, First()),
    "group by, group by": GroupBy(word, GroupBy(rank, Count())),
    "group by, sum": GroupBy(word, Sum(size)),
    "group by, top": GroupBy(rank, TopK(2, rank)),
    "group by, vote": GroupBy(word, Vote(rank)),
    "into": Into(TopK(2, rank), tuple),
    "max": Max(rank),
    "mean": Mean(size),
    "min": Min(rank),
    "reduce": Reduce(joined, "", merge=lambda a, b: a + b),
    "reduce in any order": Reduce(counted, {}, merge=both, any_order=True),
    "sum": Sum(size),
    "top": TopK(3, rank),
    "vote": Vote(rank),
    "vote of eight": Vote(rank, of=8),
}
MERGEABLE = {name: operator for name, operator in CASES.items() if isinstance(operator, Mergeable)}
DECIDING = {name: operator for name, operator in CASES.items() if isinstance(operator, Deciding)}
EARLY = {name: operator for name, operator in CASES.items() if isinstance(operator, Early)}


def each(cases: dict[str, Operator]) -> Any:
    return pytest.mark.parametrize("operator", cases.values(), ids=cases.keys())


def placed(items: list[Item]) -> list[Placed]:
    """Two levels, three items below each of the outer one."""
    return [(divmod(index, 3), item) for index, item in enumerate(items)]


def fold(operator: Operator, items: list[Placed]) -> Any:
    state = operator.initial()
    for place, item in items:
        state = add_at(operator, state, item, place)
    return state


def told(operator: Operator, state: Any) -> str:
    """The result to the letter (1 is not 1.0, and a dict has an order); or why there is none."""
    try:
        result = operator.result(state)
    except InvalidInput as error:
        return error.kind
    return repr(sorted(result.items()) if isinstance(operator, Reduce) and isinstance(result, dict) else result)


def shuffled(data: st.DataObject, operator: Operator, items: list[Placed]) -> list[Placed]:
    return items if getattr(operator, "ordered", False) else data.draw(st.permutations(items))


def parts(data: st.DataObject, operator: Operator, items: list[Placed], count: int) -> list[list[Placed]]:
    """Some split; into pieces that follow each other where the operator wants its items in order."""
    items = shuffled(data, operator, items)
    ends = sorted(data.draw(st.lists(st.integers(0, len(items)), min_size=count - 1, max_size=count - 1)))
    return [items[start:end] for start, end in pairwise([0, *ends, len(items)])]


@each(CASES)
@settings(max_examples=40)
@given(data=st.data(), items=ITEMS)
def test_any_order_gives_the_same(operator: Operator, data: st.DataObject, items: list[Item]) -> None:
    wanted = told(operator, fold(operator, placed(items)))
    assert told(operator, fold(operator, shuffled(data, operator, placed(items)))) == wanted


@each(MERGEABLE)
@settings(max_examples=40)
@given(data=st.data(), items=ITEMS)
def test_any_split_merged_gives_the_same(operator: Mergeable, data: st.DataObject, items: list[Item]) -> None:
    state = operator.initial()
    for part in parts(data, operator, placed(items), 4):
        state = operator.merge(state, fold(operator, part))
    assert told(operator, state) == told(operator, fold(operator, placed(items)))


@each(MERGEABLE)
@settings(max_examples=40)
@given(data=st.data(), items=ITEMS)
def test_merge_is_associative_and_an_empty_state_is_its_identity(
    operator: Mergeable, data: st.DataObject, items: list[Item]
) -> None:
    split = parts(data, operator, placed(items), 3)
    a, b, c = (fold(operator, part) for part in split)
    left = told(operator, operator.merge(operator.merge(a, b), c))
    a, b, c = (fold(operator, part) for part in split)
    assert told(operator, operator.merge(a, operator.merge(b, c))) == left
    for part in split:
        alone = told(operator, fold(operator, part))
        assert told(operator, operator.merge(operator.initial(), fold(operator, part))) == alone
        assert told(operator, operator.merge(fold(operator, part), operator.initial())) == alone


@each(MERGEABLE)
@settings(max_examples=40)
@given(data=st.data(), items=ITEMS)
def test_merge_leaves_its_second_state_alone_whatever_follows(
    operator: Mergeable, data: st.DataObject, items: list[Item]
) -> None:
    first, second, third, fourth = parts(data, operator, placed(items), 4)
    b, c = fold(operator, second), fold(operator, third)
    before = repr(b), repr(c)
    state = operator.merge(operator.merge(fold(operator, first), b), c)
    for place, item in fourth:
        state = add_at(operator, state, item, place)
    assert (repr(b), repr(c)) == before


@each(CASES)
@settings(max_examples=40)
@given(items=ITEMS)
def test_asking_changes_nothing(operator: Operator, items: list[Item]) -> None:
    state = fold(operator, placed(items))
    before = repr(state), told(operator, state)
    for ask in ("early", "decided"):
        if hasattr(operator, ask):
            getattr(operator, ask)(state)
    assert (repr(state), told(operator, state)) == before


@each(DECIDING)
@settings(max_examples=40)
@given(data=st.data(), items=ITEMS)
def test_what_is_decided_stays_whatever_else_comes(operator: Any, data: st.DataObject, items: list[Item]) -> None:
    wanted = operator.result(fold(operator, placed(items)))
    order = data.draw(st.permutations(placed(items)))
    decided = False
    for end in range(len(order) + 1):
        state = fold(operator, order[:end])
        assert operator.decided(state) >= decided, "once decided, always decided"
        decided = operator.decided(state)
        if decided:
            assert operator.result(state) == wanted
            assert operator.early(state) == wanted
        else:
            assert operator.early(state) is NOTHING


@pytest.mark.parametrize(
    ("operator", "texts"),
    [(DECIDING["any"], "n"), (DECIDING["all"], "n"), (DECIDING["first"], "n"), (DECIDING["vote of eight"], "nnnnn")],
)
def test_enough_decides(operator: Any, texts: str) -> None:
    """The number of items that decide; and without the last of them nothing is decided."""
    rank = 2
    items = placed([Item(rank, text, 0) for text in texts])
    assert operator.decided(fold(operator, items))
    assert not operator.decided(fold(operator, items[:-1]))


def no_worse(one: Any, other: Any) -> bool:
    """Whether a list of items is at every place as good as the other, and as long."""
    return len(one) >= len(other) and all(a.rank >= b.rank for a, b in zip(one, other, strict=False))


def grown(one: dict[Any, int], other: dict[Any, int]) -> bool:
    return all(one[key] >= count for key, count in other.items())


IMPROVES: dict[str, Callable[[Any, Any], bool]] = {
    "all": lambda one, other: one is other,
    "any": lambda one, other: one is other,
    "count": lambda one, other: one >= other,
    "count of a predicate": lambda one, other: one >= other,
    "first": lambda one, other: one == other,
    "group by, count": lambda one, other: grown(one, other),
    "group by, first": lambda one, other: all(one[key] == first for key, first in other.items()),
    "group by, group by": lambda one, other: all(grown(one[key], counts) for key, counts in other.items()),
    "group by, top": lambda one, other: all(no_worse(one[key], top) for key, top in other.items()),
    "into": no_worse,
    "max": lambda one, other: one.rank >= other.rank,
    "min": lambda one, other: one.rank <= other.rank,
    "top": no_worse,
    "vote of eight": lambda one, other: one == other,
}


def test_every_early_operator_says_what_improving_means() -> None:
    assert IMPROVES.keys() == EARLY.keys()


@pytest.mark.parametrize("name", EARLY)
@settings(max_examples=40)
@given(data=st.data(), items=ITEMS)
def test_a_later_early_result_is_no_worse(name: str, data: st.DataObject, items: list[Item]) -> None:
    operator: Any = EARLY[name]
    order = data.draw(st.permutations(placed(items)))
    before: Any = NOTHING
    for end in range(len(order) + 1):
        now = operator.early(fold(operator, order[:end]))
        if before is not NOTHING:
            assert now is not NOTHING
            assert IMPROVES[name](now, before)
        before = now
    if before is not NOTHING:
        assert IMPROVES[name](operator.result(fold(operator, order)), before)


@given(ITEMS)
def test_sums_and_means_are_exact_until_they_are_rounded(items: list[Item]) -> None:
    exact = sum((Fraction(item.size) for item in items), Fraction())
    whole = all(isinstance(item.size, int) for item in items)
    try:
        wanted = repr(int(exact) if whole else float(exact))
    except OverflowError:
        wanted = "too_large"
    assert told(CASES["sum"], fold(CASES["sum"], placed(items))) == wanted
    mean = float(exact / len(items)) if items else None
    assert told(CASES["mean"], fold(CASES["mean"], placed(items))) == repr(mean)


@given(ITEMS)
def test_top_min_max_and_first_are_what_a_stable_sort_says(items: list[Item]) -> None:
    best_first = sorted(items, key=rank, reverse=True)
    assert told(CASES["top"], fold(CASES["top"], placed(items))) == repr(best_first[:3])
    assert told(CASES["max"], fold(CASES["max"], placed(items))) == repr(best_first[0] if items else None)
    assert told(CASES["min"], fold(CASES["min"], placed(items))) == repr(min(items, key=rank, default=None))
    assert told(CASES["first"], fold(CASES["first"], placed(items))) == repr(items[0] if items else None)


@given(ITEMS)
def test_a_vote_and_a_group_by_are_what_a_counter_says(items: list[Item]) -> None:
    counts = Counter(item.rank for item in items)  # the first of equal keys, in order, as a dict keeps it
    winner = counts.most_common(1)[0][0] if items else None
    assert told(CASES["vote"], fold(CASES["vote"], placed(items))) == repr(winner)
    assert told(CASES["group by, count"], fold(CASES["group by, count"], placed(items))) == repr(dict(counts))


@each(CASES)
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), items=ITEMS)
def test_a_scope_adds_each_item_once_whatever_is_delivered_twice(operator: Any, seed: int, items: list[Item]) -> None:
    random = Random(seed)
    found = [((Step(outer, FIRST), Step(inner, FIRST)), item) for (outer, inner), item in placed(items)]
    found += random.choices(found, k=len(found))
    random.shuffle(found)
    scope: Scope[int] = Scope(2, operator)
    released: list[int] = []
    for delivery, (steps, item) in enumerate(found):
        scope.add(steps, item, delivery, released)
    assert told(operator, scope.folded()) == told(operator, fold(operator, placed(items)))
    assert len(released) == len(found) - len(items)
