"""Pipelines whose output has no open level: each gives, under faults, what a plain nested loop gives."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from scripted import Evidence, Text, conclude, number
from test_shapes import Expected, inner, odd, outer, parts

from alto_streams.context import Context
from alto_streams.operators import Into, Vote
from alto_streams.pipeline import Pipeline
from alto_streams.testing import Faults, run, simulate

QUESTIONS = {name: name.encode() for name in ("a", "b", "c", "d", "e")}


async def shout(question: bytes, ctx: Context) -> Text | None:
    return Text(question.decode() + "!") if number(question.decode(), 2) else None


def ballot(item: Text) -> str:
    return ("red", "green", "blue")[number(item.text, 3)]


def elected(found: list[str]) -> list[str]:
    """The commonest ballot, the first of equally common ones; none of nothing."""
    ballots = [ballot(Text(text)) for text in found]
    return [max(dict.fromkeys(ballots), key=ballots.count)] if ballots else []


def a_vote() -> tuple[Pipeline, Expected]:
    p = Pipeline("level", source=bytes)
    p.output(p.source.expand(outer, "o").aggregate(Into(Vote(ballot), Text)), "x", conclude=conclude)
    return p, lambda q: elected(parts("o", q))


def a_map_after_a_vote_over_two_levels() -> tuple[Pipeline, Expected]:
    p = Pipeline("level", source=bytes)
    votes = p.source.expand(outer, "o").expand(inner, "i").aggregate(Into(Vote(ballot), Text), over=("o", "i"))
    p.output(votes.map(odd), "x", conclude=conclude)
    return p, lambda q: [text for text in elected([i for o in parts("o", q) for i in parts("i", o)]) if number(text, 2)]


def an_aggregate_that_is_there_for_nothing_too() -> tuple[Pipeline, Expected]:
    p = Pipeline("level", source=bytes)
    p.output(p.source.expand(outer, "o").map(odd).aggregate(Evidence()), "x", conclude=conclude)
    return p, lambda q: ["|".join(sorted(o for o in parts("o", q) if number(o, 2)))]


def a_map_of_the_source() -> tuple[Pipeline, Expected]:
    p = Pipeline("level", source=bytes)
    p.output(p.source.map(shout), "x", conclude=conclude)
    return p, lambda q: [q + "!"] if number(q, 2) else []


SHAPES = [a_vote, a_map_after_a_vote_over_two_levels, an_aggregate_that_is_there_for_nothing_too, a_map_of_the_source]


@pytest.mark.parametrize("shape", SHAPES)
def test_it_gives_what_a_nested_loop_gives(shape: Callable[[], tuple[Pipeline, Expected]]) -> None:
    pipeline, expected = shape()
    wanted = {q: json.dumps(expected(q)).encode() for q in QUESTIONS}
    assert len(set(wanted.values())) > 1
    assert run(pipeline, QUESTIONS).outcomes == wanted
    for seed in range(50):
        assert simulate(pipeline, QUESTIONS, seed, Faults(every=15)).outcomes == wanted


def test_the_output_shows_the_item_before_the_outcome() -> None:
    result = run(a_vote()[0], {"a": b"a"})
    shown = [(item.type, item.id, item.value.text) for item in result.outputs["a"]]
    assert shown == [("x", "", elected(parts("o", "a"))[0])]
