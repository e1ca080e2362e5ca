"""A pipeline whose text is cut again and again gives, however it is chunked, what cutting the whole text gives."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings

from alto_streams.context import Context
from alto_streams.failure import Failure
from alto_streams.operators import Collect
from alto_streams.pipeline import Pipeline, join
from alto_streams.quanta import cut, cutter
from alto_streams.testing import run
from tests.property.quantum_texts import CUTS, TEXTS, chunks

Tree = list[tuple[str, "Tree"]]

CHAINS = [
    ("paragraph", "sentence", "word"),
    ("element", "line", "token"),
    ("whole", "paragraph", "item", "sentence", "word", "token"),
]


class Node:
    """A piece and the pieces it was cut into, as a message."""

    def __init__(self, text: str, below: Tree | None = None) -> None:
        self.text, self.below = text, below or []

    def SerializeToString(self) -> bytes:
        return json.dumps([self.text, self.below]).encode()

    @classmethod
    def FromString(cls, data: bytes) -> Node:
        return cls(*json.loads(data))


async def write(question: bytes, ctx: Context) -> AsyncIterator[str]:
    for chunk in json.loads(question):
        yield chunk


async def grow(piece: Node, below: list[Node], ctx: Context) -> Node:
    return Node(piece.text, [(one.text, one.below) for one in below])


def conclude(question_id: str, items: list[Node], failure: Failure | None) -> bytes:
    return json.dumps([[one.text, one.below] for one in items]).encode() if failure is None else b"failed"


def tree_pipeline(quanta: tuple[str, ...]) -> Pipeline:
    """Each quantum opens a level; from the finest up, each piece gathers the pieces under it."""
    p = Pipeline("cuts", source=bytes)
    streams = [p.source.expand(write, "level0", cut=quanta[0], item=Node)]
    for depth, quantum in enumerate(quanta[1:], 1):
        streams.append(streams[-1].cut(f"level{depth}", at=quantum, item=Node))
    grown = streams.pop()
    while streams:
        depth = len(streams)
        below = grown.aggregate(Collect(), name=f"below{depth}")
        grown = join(streams.pop(), below).map(grow, name=f"grow{depth}")
    p.output(grown, "tree", conclude=conclude)
    return p


def expected(quanta: tuple[str, ...], text: str) -> list[object]:
    if not quanta:
        return []
    return [[str(piece), expected(quanta[1:], str(piece))] for piece in cut(cutter(quanta[0]), text)]


@pytest.mark.parametrize("quanta", CHAINS, ids="-".join)
@settings(max_examples=60)
@given(text=TEXTS, cuts=CUTS)
def test_every_level_is_what_cutting_the_whole_gives(quanta: tuple[str, ...], text: str, cuts: list[int]) -> None:
    questions = {"q": json.dumps(chunks(text, cuts)).encode(), "letters": json.dumps(list(text)).encode()}
    wanted = json.dumps(expected(quanta, text)).encode()
    assert run(tree_pipeline(quanta), questions).outcomes == {"q": wanted, "letters": wanted}
