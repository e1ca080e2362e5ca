"""Cutters give the same pieces however the text is chunked, in order, where they stand, and lose nothing."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alto_streams.quanta import QUANTA, Cutter, Piece, cut, cutter
from tests.property.quantum_texts import CUTS, PROSE, TEXTS, VALUES, chunks, written

KEEPS_ALL = ("token", "word", "sentence", "line", "paragraph", "whole")  # but for white space
EVERY = pytest.mark.parametrize("quantum", list(QUANTA))

Placed = list[tuple[str, int, int]]


def placed(pieces: list[Piece]) -> Placed:
    return [(str(piece), piece.start, piece.end) for piece in pieces]


def streamed(used: Cutter, parts: list[str]) -> list[Piece]:
    return [piece for part in parts for piece in used.feed(part)] + used.end()


@EVERY
@given(text=TEXTS, cuts=CUTS)
def test_pieces_do_not_depend_on_chunks(quantum: str, text: str, cuts: list[int]) -> None:
    wanted = placed(cut(cutter(quantum), text))
    assert placed(streamed(cutter(quantum), chunks(text, cuts))) == wanted
    assert placed(streamed(cutter(quantum), list(text))) == wanted


@EVERY
@given(text=TEXTS)
def test_pieces_stand_where_they_say_in_order(quantum: str, text: str) -> None:
    pieces = cut(cutter(quantum), text)
    assert all(piece and piece == piece.strip() and text[piece.start : piece.end] == piece for piece in pieces)
    assert all(one.end <= two.start for one, two in pairwise(pieces))


@pytest.mark.parametrize("quantum", KEEPS_ALL)
@given(text=TEXTS)
def test_nothing_but_white_space_lies_between_pieces(quantum: str, text: str) -> None:
    pieces = cut(cutter(quantum), text)
    ends = [0, *(piece.end for piece in pieces)]
    starts = [*(piece.start for piece in pieces), len(text)]
    assert "".join(text[end:start] for end, start in zip(ends, starts, strict=True)).strip() == ""


@EVERY
@given(text=TEXTS, at=st.integers(0, 9))
def test_a_cutter_that_ended_is_as_new(quantum: str, text: str, at: int) -> None:
    used = cutter(quantum)
    first = placed(cut(used, text))
    assert placed(cut(used, text)) == first
    used.reset(at)
    assert placed(cut(used, text)) == [(piece, start + at, end + at) for piece, start, end in first]


@EVERY
@given(text=TEXTS, space=st.text(alphabet=" \t\n\r", max_size=4))
def test_white_space_at_the_end_changes_nothing(quantum: str, text: str, space: str) -> None:
    assert placed(cut(cutter(quantum), text + space)) == placed(cut(cutter(quantum), text.rstrip()))


@EVERY
@given(before=TEXTS, after=TEXTS)
def test_what_was_cut_stays_cut(quantum: str, before: str, after: str) -> None:
    """A piece is reported only when no later text can change it, and what is sure of the open one stays in it."""
    used = cutter(quantum)
    early = used.feed(before)
    all_of_it = cut(cutter(quantum), before + after)
    assert placed(all_of_it)[: len(early)] == placed(early)
    if used.begun is not None:
        following = all_of_it[len(early)]
        assert following.start == used.begun
        assert (before + after)[following.end : used.sure].strip() == ""


@given(text=TEXTS, cuts=CUTS)
def test_what_is_pending_is_the_open_piece(text: str, cuts: list[int]) -> None:
    used, read = cutter("line"), ""
    for part in chunks(text, cuts):
        used.feed(part)
        read += part
        assert used.pending.strip() == read.rpartition("\n")[2].strip()


@given(text=PROSE)
def test_lines_words_and_paragraphs_are_those_of_the_standard_library(text: str) -> None:
    lines = [line.strip() for line in text.split("\n")]
    assert cut(cutter("word"), text) == text.split()
    assert cut(cutter("line"), text) == [line for line in lines if line]
    paragraphs = "\n".join(lines).split("\n\n")
    found = ["\n".join(map(str.strip, piece.split("\n"))) for piece in cut(cutter("paragraph"), text)]
    assert found == [paragraph.strip("\n") for paragraph in paragraphs if paragraph.strip("\n")]


@given(
    values=st.lists(VALUES, max_size=5),
    indent=st.sampled_from([None, 0, 2]),
    ascii_only=st.booleans(),
    around=st.sampled_from(
        [("", ""), ("Here you are: ", " I hope that [this] helps."), ("Sure!\n```json\n", "\n```\n")]
    ),
    cuts=CUTS,
)
def test_the_elements_of_an_array(
    values: list[object], indent: int | None, ascii_only: bool, around: tuple[str, str], cuts: list[int]
) -> None:
    text = around[0] + written(values, indent, ascii_only) + around[1]
    found = streamed(cutter("element"), chunks(text, cuts))
    assert [json.loads(piece) for piece in found] == values


@given(
    values=st.lists(VALUES.filter(lambda value: not isinstance(value, list)), max_size=5),
    ascii_only=st.booleans(),
    cuts=CUTS,
)
def test_the_values_of_newline_delimited_json(values: list[object], ascii_only: bool, cuts: list[int]) -> None:
    text = "\n".join(written(value, None, ascii_only) for value in values)
    assert [json.loads(piece) for piece in streamed(cutter("element"), chunks(text, cuts))] == values


@given(
    items=st.lists(st.tuples(st.sampled_from(["- ", "* ", "2. ", "3) ", "(a) "]), st.integers(0, 4)), max_size=6),
    lines=st.lists(
        st.sampled_from(["Paris", "Dr. No, 3 of 5", "a-b (c)", "**bold** x", "x 1. y"]), min_size=1, max_size=3
    ),
    gap=st.sampled_from(["\n", "\n\n"]),
    cuts=CUTS,
)
def test_the_items_of_a_list(items: list[tuple[str, int]], lines: list[str], gap: str, cuts: list[int]) -> None:
    body = f"{gap}     ".join(lines)
    listed = gap.join(" " * indent + marker + body for marker, indent in items)
    text = f"A list:\n{listed}\n\nThe end."
    assert streamed(cutter("item"), chunks(text, cuts)) == [body] * len(items)
