"""Cutters give the same pieces however the text is chunked, and lose nothing."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alto_streams.quanta import Cutter, Lines, Sentences, Words, cut

FRAGMENTS = st.sampled_from(
    [
        *("Dr", "U", "S", "e.g", "Jr", "No", "p.m", "The", "it", "Smith", "3", "14", "1066", "I", "etc", "x"),
        *(".", ".", "!", "?", "…", "。", " ", " ", " ", "\n", "\t", "\r\n", '"', "(", ")", "-", ",", "é"),
    ]
)
TEXTS = st.one_of(st.lists(FRAGMENTS, max_size=40).map("".join), st.text(max_size=60))
CUTTERS: list[Callable[[], Cutter]] = [Lines, Words, Sentences]


def chunks(text: str, cuts: list[int]) -> list[str]:
    edges = sorted({min(c, len(text)) for c in cuts} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(edges)]


@pytest.mark.parametrize("cutter", CUTTERS)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 80), max_size=30))
def test_pieces_do_not_depend_on_chunks(cutter: Callable[[], Cutter], text: str, cuts: list[int]) -> None:
    streamed = cutter()
    pieces = [piece for chunk in chunks(text, cuts) for piece in streamed.feed(chunk)]
    assert pieces + streamed.end() == cut(cutter(), text)


@pytest.mark.parametrize("cutter", CUTTERS)
@given(text=TEXTS)
def test_nothing_but_white_space_is_lost(cutter: Callable[[], Cutter], text: str) -> None:
    pieces = cut(cutter(), text)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(piece and piece == piece.strip() for piece in pieces)


@pytest.mark.parametrize("cutter", CUTTERS)
@given(text=TEXTS)
def test_a_cutter_that_ended_is_as_new(cutter: Callable[[], Cutter], text: str) -> None:
    used = cutter()
    first = cut(used, text)
    assert cut(used, text) == first


@given(before=TEXTS, after=TEXTS)
def test_what_was_cut_stays_cut(before: str, after: str) -> None:
    """A piece is reported only when no later text can change it."""
    early = Sentences().feed(before)
    assert cut(Sentences(), before + after)[: len(early)] == early
