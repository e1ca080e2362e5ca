"""What operators refuse, when and with which words; and that their table in the docs says what they do."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from functools import reduce
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alto_streams import operators
from alto_streams.context import Context
from alto_streams.errors import AltoError, InvalidInput, PipelineError
from alto_streams.operators import (
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
    Reduce,
    Sum,
    TopK,
    Vote,
)
from alto_streams.operators import Any as AnyOf
from alto_streams.pipeline import Pipeline
from alto_streams.signatures import name_of
from schemas.claim_pb2 import Claim

TABLE = Path(__file__).parents[2] / "docs" / "operators.md"


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: TopK(0), "TopK cannot keep 0 items"),
        (lambda: TopK(True), "TopK cannot keep True items"),
        (lambda: TopK(2.0), "TopK cannot keep 2.0 items"),  # type: ignore[arg-type]
        (lambda: Vote(of=0), "Vote cannot be one of 0 items"),
        (lambda: Sum("its score"), "Sum is given 'its score', which is neither a field nor a function"),
        (lambda: Max(3), "Max is given 3, which is neither a field nor a function"),  # type: ignore[arg-type]
        (lambda: Reduce("+", 0), "Reduce is given '+', which is no function"),  # type: ignore[arg-type]
        (lambda: Reduce(max, 0, merge=1), "Reduce is given 1, which is no function"),  # type: ignore[arg-type]
        (lambda: GroupBy(len, Count), "which is no operator"),  # type: ignore[arg-type]
        (lambda: GroupBy(len, sum), "which is no operator"),  # type: ignore[arg-type]
        (lambda: Into(Count, str), "not an operator and a function"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_work_is_refused_when_it_is_built(build: Callable[[], Any], says: str) -> None:
    with pytest.raises(PipelineError) as caught:
        build()
    assert says in caught.value.message
    assert caught.value.mend


@pytest.mark.parametrize(
    ("operator", "items", "kind", "says"),
    [
        (Sum(lambda claim: claim.score), [Claim()], "unreadable_item", "of Sum fails on a Claim: AttributeError"),
        (Sum("score"), [Claim()], "unreadable_item", "of Sum fails on a Claim: AttributeError"),
        (Sum(), [Claim()], "not_a_number", "Sum reads a Claim, which is no int or float"),
        (Mean(), ["3"], "not_a_number", "Mean reads '3'"),
        (Sum(), [math.nan], "not_finite", "Sum reads nan"),
        (Mean(), [math.inf], "not_finite", "Mean reads inf"),
        (Sum(), [1.7e308, 1.7e308], "too_large", "result of Sum is too large"),
        (Max(), [1.0, math.nan], "not_a_number", "Max reads nan, which is in no order"),
        (TopK(1), [(1, math.nan)], "not_a_number", "TopK reads (1, nan)"),
        (Min(), [1, "a"], "no_order", "Min cannot put its items in order"),
        (TopK(1), [3, "a"], "no_order", "TopK cannot put its items in order"),
        (AnyOf(lambda claim: claim.text), [Claim(text="x")], "not_a_bool", "Any reads 'x', which is neither True nor"),
        (All(lambda claim: None), [Claim()], "not_a_bool", "All reads None"),  # type: ignore[arg-type, return-value]
        (Count(lambda claim: 1), [Claim()], "not_a_bool", "Count reads 1"),  # type: ignore[arg-type, return-value]
        (Vote(), [Claim()], "not_hashable", "Vote reads a Claim, which is not hashable"),
        (Vote(), [math.nan], "not_a_number", "Vote reads nan, which is equal to nothing"),
        (Vote(of=2), [1, 2, 2], "too_many_votes", "Vote is one of 2 items"),
        (GroupBy(lambda claim: [claim], Count()), [1], "not_hashable", "GroupBy reads a list"),  # type: ignore
        (Reduce(lambda total, item: total + item, 0), ["x"], "unreadable_item", "of Reduce fails on a str: TypeError"),
    ],
)
def test_what_an_item_lacks_is_told_with_the_operator_and_a_mend(
    operator: Operator, items: list[Any], kind: str, says: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        operator.result(reduce(operator.add, items, operator.initial()))
    assert caught.value.kind == kind
    assert says in caught.value.message
    assert caught.value.mend


def test_an_error_of_the_users_own_goes_through() -> None:
    def read(item: Any) -> float:
        raise InvalidInput("mine", "No score.")

    for operator in (Sum(read), Reduce(lambda total, item: read(item), 0.0)):
        with pytest.raises(AltoError, match=r"No score\."):
            operator.add(operator.initial(), Claim())


def test_numbers_of_other_libraries_count() -> None:
    total = Sum[Any]()
    assert total.result(total.add(total.add(total.initial(), np.int64(2)), 3)) == 5
    assert total.result(total.add(total.initial(), np.float32(0.1))) == float(np.float32(0.1))


def test_the_name_of_a_field_reads_that_field() -> None:
    best = TopK(1, key="evidence.score")
    items = [SimpleNamespace(evidence=SimpleNamespace(score=score)) for score in (1, 3, 2)]
    state = best.initial()
    for place, item in enumerate(items):
        state = best.add(state, item, (place,))
    assert best.result(state) == [items[1]]


def test_one_initial_value_serves_many_scopes() -> None:
    listed: Reduce[list[int], int] = Reduce(lambda found, item: found.append(item) or found, [])  # type: ignore
    assert listed.result(listed.add(listed.initial(), 1)) == [1]
    assert listed.initial() == []


def test_a_result_made_into_a_message_keeps_the_operators_name_and_its_absence() -> None:
    assert name_of(Into(TopK(2), str)) == "top_k"
    assert name_of(Into(Into(First(), str), str)) == "first"
    mean = Into(Mean(), str)
    assert mean.result(mean.initial()) is None
    assert isinstance(Into(AnyOf(bool), str), Deciding)
    assert not isinstance(Into(Mean(), str), Early)
    assert not isinstance(Into(Reduce(max, 0), str), Mergeable)


@pytest.mark.parametrize("wrap", [lambda one: GroupBy(len, one), lambda one: Into(one, str)])
def test_what_an_inner_operator_opens_is_opened(wrap: Callable[[Operator], Any]) -> None:
    class Loaded(Count[str]):
        opened = 0

        def open(self) -> None:
            self.opened += 1

    inner = Loaded()
    wrap(inner).open()
    assert inner.opened == 1
    assert not hasattr(wrap(Count()), "open")


ROWS = {
    "Sum": (Sum(), "0"),
    "Count": (Count(), "0"),
    "Min": (Min(), "None"),
    "Max": (Max(), "None"),
    "Mean": (Mean(), "None"),
    "TopK": (TopK(3), "[]"),
    "Collect": (Collect(), "[]"),
    "First": (First(), "None"),
    "Any": (AnyOf(bool), "False"),
    "All": (All(bool), "True"),
    "Vote": (Vote(of=3), "None"),
    "GroupBy": (GroupBy(str, Count()), "{}"),
    "Reduce": (Reduce(max, 7, merge=max), "7"),
}


def table() -> dict[str, list[str]]:
    """The cells of each row, by the name of the operator."""
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    return {cells[0].strip("`").partition("(")[0]: cells for cells in rows}


def test_the_table_has_every_operator() -> None:
    protocols = {"Operator", "Mergeable", "Early", "Deciding", "Nothing"}
    exported = {name for name in operators.__all__ if isinstance(getattr(operators, name), type)}
    assert table().keys() == ROWS.keys() == exported - protocols - {"Into"}


@pytest.mark.parametrize("name", ROWS)
def test_the_table_says_what_the_operator_does(name: str) -> None:
    operator, empty = ROWS[name]
    _, _, on_empty, mergeable, early, final = table()[name]
    assert repr(operator.result(operator.initial())) == empty
    assert on_empty == {"None": "no value", "7": "`initial`"}.get(empty, f"`{empty}`")
    assert (mergeable != "no") == isinstance(operator, Mergeable)
    assert (early != "no") == isinstance(operator, Early)
    assert (final not in ("no", "")) == isinstance(operator, Deciding)


@pytest.mark.parametrize(
    "operator", [*(one(default=7) for one in (Min, Max, First, Mean, Vote)), Vote(of=2, default=7)]
)
def test_a_default_is_the_result_of_an_empty_scope_alone(operator: Any) -> None:
    empty = operator.initial()
    assert operator.result(empty) == operator.result(operator.merge(empty, operator.initial())) == 7
    assert operator.result(operators.add_at(operator, operator.initial(), 3, (0,))) == 3
    assert Into(operator, str).result(operator.initial()) == "7"
    if isinstance(operator, Early):
        assert operator.early(operator.initial()) is operators.NOTHING


def test_an_operator_without_a_merge_folds_one_level_only() -> None:
    async def outer(question: bytes, ctx: Context) -> AsyncIterator[Claim]:
        yield Claim()

    async def inner(claim: Claim, ctx: Context) -> AsyncIterator[Claim]:
        yield claim

    claims = Pipeline("p", source=bytes).source.expand(outer, "a").expand(inner, "b")
    for whole in (Reduce(max, 0), GroupBy(str, Reduce(max, 0)), Into(Reduce(max, 0), str)):
        with pytest.raises(PipelineError, match="has no merge"):
            claims.aggregate(whole, over=("a", "b"), name="whole")
    for number, merging in enumerate((Reduce(max, 0, merge=max), GroupBy(str, Count()), Into(Vote(), str))):
        assert claims.aggregate(merging, over=("a", "b"), name=f"merging{number}").levels == ()
