"""Cutting at several quanta in one pass gives what cutting the pieces of each again would give."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given

from alto_streams.cutting import Line, LineCutter, Word
from alto_streams.quanta import QUANTA, Nested, Part, Piece, cut, cutter
from tests.property.quantum_texts import CUTS, TEXTS, chunks

PAIRS = [(coarse, fine) for fine, coarse in combinations(QUANTA, 2)]
DEEP = [
    *(("whole", "sentence", "word"), ("paragraph", "line", "token"), ("element", "item", "word")),
    ("paragraph", "item", "sentence", "word"),
    tuple(reversed(QUANTA)),
]
Found = tuple[tuple[int, ...], str, int, int]


def streamed(quanta: tuple[str, ...], parts: list[str]) -> list[Part]:
    nested = Nested(*quanta)
    return [found for part in parts for found in nested.feed(part)] + nested.end()


def placed(parts: list[Part]) -> list[Found]:
    return [(part.path, str(part.piece), part.piece.start, part.parts) for part in parts]


def again(quanta: tuple[str, ...], text: str, at: int = 0, path: tuple[int, ...] = ()) -> list[Found]:
    """What the parts must be, cut level by level from texts that are there whole."""
    found: list[Found] = []
    for index, piece in enumerate(cut(cutter(quanta[0]), text)):
        here = (*path, index)
        finer = again(quanta[1:], str(piece), at + piece.start, here) if len(quanta) > 1 else []
        found += finer
        found.append((here, str(piece), at + piece.start, sum(len(f[0]) == len(here) + 1 for f in finer)))
    return found


@pytest.mark.parametrize("quanta", PAIRS + DEEP, ids="-".join)
@given(text=TEXTS, cuts=CUTS)
def test_parts_are_those_of_the_pieces(quanta: tuple[str, ...], text: str, cuts: list[int]) -> None:
    wanted = again(quanta, text)
    assert placed(streamed(quanta, chunks(text, cuts))) == wanted
    assert placed(streamed(quanta, list(text))) == wanted


@pytest.mark.parametrize("quanta", PAIRS + DEEP, ids="-".join)
@given(text=TEXTS)
def test_parts_stand_where_they_say_inside_their_piece(quanta: tuple[str, ...], text: str) -> None:
    parts = streamed(quanta, [text])
    where: dict[tuple[int, ...], Piece] = {part.path: part.piece for part in parts}
    for path, piece in where.items():
        assert text[piece.start : piece.end] == piece
        if len(path) > 1:
            around = where[path[:-1]]
            assert around.start <= piece.start < piece.end <= around.end


@given(text=TEXTS, cuts=CUTS)
def test_lines_and_their_words_are_those_of_the_line_cutter(text: str, cuts: list[int]) -> None:
    """At the same chunk, too: the two differ in speed alone."""
    nested, lines = Nested("line", "word"), LineCutter()
    for part in [*chunks(text, cuts), None]:
        found = nested.end() if part is None else nested.feed(part)
        wanted = lines.end() if part is None else lines.feed(part)
        assert [
            Line(str(one.piece), one.parts) if len(one.path) == 1 else Word(str(one.piece), one.path[1])
            for one in found
        ] == list(wanted)
