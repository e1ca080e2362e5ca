"""An aggregate that is published early shows what it comes to so far, marked as such, and at last what it came to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from scripted import Text, conclude

from alto_streams.context import Context
from alto_streams.errors import PipelineError
from alto_streams.operators import Any as AnyOf
from alto_streams.operators import Count, Into, Sum
from alto_streams.pipeline import Pipeline
from alto_streams.testing import Faults, Result, run, simulate

QUESTIONS = {"a": b"a", "b": b"b"}
LETTERS = 4


async def letters(question: bytes, ctx: Context) -> AsyncIterator[Text]:
    for index in range(LETTERS):
        yield Text(f"{question.decode()}{index}")


async def digits(letter: Text, ctx: Context) -> AsyncIterator[Text]:
    for index in range(3):
        yield Text(f"{letter.text}{index}")


def told(found: object) -> Text:
    return Text(str(found))


def graph(operator: Any, over: tuple[str, ...], early: bool = True) -> Pipeline:
    p = Pipeline("early", source=bytes)
    folded = p.source.expand(letters, "letter").expand(digits, "digit").aggregate(operator, over=over, name="folded")
    p.publish(folded, "count", early=early)
    p.output(folded, "folded", conclude=conclude)
    return p


def check(result: Result, most: int, items: int) -> None:
    for question in QUESTIONS:
        shown: dict[str, list[int]] = {}
        final: dict[str, int] = {}
        for item in result.progress[question]:
            if item.final:
                final[item.id] = int(item.value.text)
            else:
                shown.setdefault(item.id, []).append(int(item.value.text))
        assert len(final) >= items  # more where a run came again: each attempt has ids of its own
        assert set(final.values()) == {most}
        assert all(count <= most for counts in shown.values() for count in counts)
        assert json.loads(result.outcomes[question]) == [str(most)] * items


@pytest.mark.parametrize(
    ("over", "most", "items"), [(("digit",), 3, LETTERS), (("digit", "letter"), 3 * LETTERS, 1)], ids=["one", "two"]
)
def test_what_an_aggregate_comes_to_is_shown_as_it_grows(over: tuple[str, ...], most: int, items: int) -> None:
    pipeline = graph(Into(Count(), told), over)
    result = run(pipeline, QUESTIONS)
    check(result, most, items)
    for question in QUESTIONS:
        counts = [int(item.value.text) for item in result.progress[question] if not item.final]
        assert sorted(counts) == sorted([*range(1, most + 1)] * items)
    for seed in range(25):
        simulate(pipeline, QUESTIONS, seed, Faults(every=10), check=lambda found: check(found, most, items))


def test_an_early_result_that_has_not_changed_is_not_shown_again() -> None:
    pipeline = graph(Into(Count(lambda item: item.text.endswith("1")), told), ("digit",))
    shown = [(item.value.text, item.final) for item in run(pipeline, {"a": b"a"}).progress["a"]]
    assert sorted(shown) == sorted([("0", False), ("1", False), ("1", True)] * LETTERS)


def test_without_early_only_the_result_is_shown() -> None:
    progress = run(graph(Into(Count(), told), ("digit",), early=False), QUESTIONS).progress
    assert [item.final for item in progress["a"]] == [True] * LETTERS


def test_what_is_decided_is_shown_once_as_final() -> None:
    pipeline = graph(Into(AnyOf(lambda item: item.text.endswith("1")), told), ("digit",))
    shown = [(item.value.text, item.final) for item in run(pipeline, {"a": b"a"}).progress["a"]]
    assert shown == [("True", True)] * LETTERS


def test_an_operator_without_early_results_is_refused() -> None:
    with pytest.raises(PipelineError, match="'folded' of pipeline 'early' has no early results") as caught:
        graph(Into(Sum(lambda item: 1), told), ("digit",))
    assert "TopK" in str(caught.value)
