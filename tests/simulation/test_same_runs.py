"""Two aggregates of one stream, in one stage, fold what one run has written, though runs come again in other words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from scripted import Evidence, Script, Text, conclude

from alto_streams.context import Context
from alto_streams.groups import Group
from alto_streams.pipeline import Pipeline, join
from alto_streams.testing import Faults, Result, SimulationError, simulate

SEEDS = range(60)
QUESTIONS = {name: name.encode() for name in ("a", "b")}
MANY = Faults(budget=40, every=12, stall=6)


class Twice(Script):
    """Claims of sentences, which go two ways, a slow one and a quick one, and are folded at the end of each."""

    def twice(self, over: tuple[str, ...]) -> Pipeline:
        async def answer(question: bytes, ctx: Context) -> AsyncIterator[Text]:
            async for child in self._expand("s", question.decode()):
                yield Text(child)

        async def extract(sentence: Text, ctx: Context) -> AsyncIterator[Text]:
            async for child in self._expand("c", sentence.text):
                yield Text(child)

        async def slow(claim: Text, ctx: Context) -> Text:
            await asyncio.sleep(0)
            return claim

        async def quick(claim: Text, ctx: Context) -> Text:
            return claim

        async def pair(one: Text, other: Text, ctx: Context) -> Text:
            return Text(f"{one.text} = {other.text}")

        p = Pipeline("twice", source=bytes)
        claims = p.source.expand(answer, "sentence").expand(extract, "claim")
        one, other = (claims.map(way).aggregate(Evidence(), over) for way in (slow, quick))
        p.output(join(one, other).map(pair), "pair", conclude=conclude)
        return p


def same_words(result: Result) -> None:
    for outcome in result.outcomes.values():
        for line in json.loads(outcome):
            one, other = line.split(" = ")
            assert sorted(one.split("|")) == sorted(other.split("|"))


def first_failure(over: tuple[str, ...]) -> SimulationError | None:
    for seed in SEEDS:
        try:
            simulate(Twice(seed).twice(over), QUESTIONS, seed, MANY, check=same_words, shrink_s=0)
        except SimulationError as error:
            return error
    return None


@pytest.mark.parametrize("over", [("claim",), ("sentence", "claim")], ids=["one level", "two levels"])
def test_both_fold_the_same_run(over: tuple[str, ...]) -> None:
    assert first_failure(over) is None


def test_some_seed_mixes_runs_where_the_ports_need_not_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Group, "_agree", lambda self, twins: True)
    found = first_failure(("sentence", "claim"))
    assert found is not None
    assert "AssertionError" in found.message
