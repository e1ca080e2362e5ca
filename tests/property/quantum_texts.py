"""Texts with everything that the cutters look at, and their chunks."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import strategies as st

_PROSE = (
    *("Dr", "U", "S", "e.g", "Jr", "No", "p.m", "The", "it", "Smith", "3", "14", "1066", "I", "etc", "x", "don't"),
    *(".", ".", "!", "?", "…", "。", " ", " ", " ", "\n", "\t", "\r\n", '"', "(", ")", "-", ",", "é", "e\u0301", "城"),
)
_LISTS = (
    *("\n", "\n", "\n\n", "\n \n", " ", "  ", "\t", "- ", "* ", "**", "1. ", "2) ", "(3) ", "a) ", "1999. ", "-", "_"),
    *("---\n", "```", "```sh\n", "~~~", "# ", "#", "word", "B", "12", ".", "\u2022 ", "[ ] "),
)
_JSON = (
    *("[", "]", "{", "}", '"', "\\", '\\"', ",", ":", " ", "\n", "1", "-2.5e3", "true", "nul", "null", '"a [b"', "x"),
    *('{"k": [1, "}"]}', "```json\n", "```", "Here: "),
)


def _of(fragments: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(fragments), max_size=40).map("".join)


PROSE = st.one_of(_of(_PROSE), st.text(max_size=60))
TEXTS = st.one_of(PROSE, _of(_LISTS), _of(_JSON), _of(_PROSE + _LISTS + _JSON))
CUTS = st.lists(st.integers(0, 120), max_size=40)
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)


def chunks(text: str, cuts: list[int]) -> list[str]:
    edges = sorted({min(c, len(text)) for c in cuts} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(edges)]


def written(value: object, indent: int | None, ascii_only: bool) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=ascii_only)
