"""Left joins and defaults under faults: what a plain nested loop gives, where items were dropped on one side."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable

import pytest
from scripted import Text, conclude, number
from test_shapes import Expected, inner, odd, outer, parts

from alto_streams.context import Context
from alto_streams.operators import Mean
from alto_streams.pipeline import Pipeline, Stream, join
from alto_streams.testing import Faults, run, simulate

QUESTIONS = {name: name.encode() for name in ("a", "b", "c", "d")}


def start() -> tuple[Pipeline, Stream]:
    p = Pipeline("left", source=bytes)
    return p, p.source.expand(outer, "o")


def kept(o: str) -> str | None:
    return o if number(o, 2) else None


async def beside(a: Text, b: Text | None, ctx: Context) -> Text:
    return Text(f"{a.text}({b and b.text})")


async def weighed(a: Text, mean: float | None, ctx: Context) -> Text:
    return Text(f"{a.text}={mean}")


async def opened(a: Text, b: Text | None, c: Text | None, ctx: Context) -> AsyncIterator[Text]:
    for one in (a, b, c):
        yield Text(f"{a.text}:{one and one.text}")


async def even(item: Text, ctx: Context) -> bool:
    return not number(item.text, 2)


def length(item: Text) -> int:
    return len(item.text) + number(item.text, 4)


def mean_of(o: str) -> float | None:
    lengths = [length(Text(i)) for i in parts("i", o)]
    return sum(lengths) / len(lengths) if lengths else None


def a_dropping_map_on_the_right() -> tuple[Pipeline, Expected]:
    p, items = start()
    p.output(join(items, items.map(odd), how="left").map(beside), "x", conclude=conclude)
    return p, lambda q: [f"{o}({kept(o)})" for o in parts("o", q)]


def a_dropping_map_on_the_left() -> tuple[Pipeline, Expected]:
    p, items = start()
    p.output(join(items.map(odd), items, how="left").map(beside), "x", conclude=conclude)
    return p, lambda q: [f"{o}({o})" for o in parts("o", q) if kept(o)]


def a_mean_of_nothing() -> tuple[Pipeline, Expected]:
    p, items = start()
    mean = items.expand(inner, "i").aggregate(Mean(length))
    p.output(join(items, mean, how="left").map(weighed), "x", conclude=conclude)
    return p, lambda q: [f"{o}={mean_of(o)}" for o in parts("o", q)]


def a_mean_of_nothing_with_a_default() -> tuple[Pipeline, Expected]:
    p, items = start()
    mean = items.expand(inner, "i").aggregate(Mean(length, default=-1.5))
    p.output(join(items, mean).map(weighed), "x", conclude=conclude)
    return p, lambda q: [f"{o}={-1.5 if (mean := mean_of(o)) is None else mean}" for o in parts("o", q)]


def three_streams_that_open_a_level() -> tuple[Pipeline, Expected]:
    p, items = start()
    p.output(join(items, items.map(odd), items.filter(even), how="left").expand(opened, "i"), "x", conclude=conclude)
    return p, lambda q: [
        f"{o}:{one}" for o in parts("o", q) for one in (o, kept(o), None if number(o, 2) else o)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "shape",
    [
        a_dropping_map_on_the_right,
        a_dropping_map_on_the_left,
        a_mean_of_nothing,
        a_mean_of_nothing_with_a_default,
        three_streams_that_open_a_level,
    ],
)
def test_it_gives_what_a_nested_loop_gives(shape: Callable[[], tuple[Pipeline, Expected]]) -> None:
    pipeline, expected = shape()
    wanted = {q: json.dumps(expected(q)).encode() for q in QUESTIONS}
    assert any(expected(q) for q in QUESTIONS)
    assert run(pipeline, QUESTIONS).outcomes == wanted
    for seed in range(50):
        assert simulate(pipeline, QUESTIONS, seed, Faults(every=15)).outcomes == wanted
