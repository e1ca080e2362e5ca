"""Words and lines are those of the whole text, wherever the stream is chopped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alto_streams.cutting import Line, LineCutter, Word

texts = st.text(alphabet=st.sampled_from("ab \t\n\r\u00a0\u2003é"), max_size=60) | st.text(max_size=40)


def cut(pieces: list[str]) -> list[Word | Line]:
    cutter = LineCutter()
    return [found for piece in pieces for found in cutter.feed(piece)] + list(cutter.end())


@given(texts, st.data())
def test_chunks_do_not_matter(text: str, data: st.DataObject) -> None:
    pieces, rest = [], text
    while rest:
        size = data.draw(st.integers(0, len(rest)))
        pieces.append(rest[:size])
        rest = rest[size:]
        if size == 0:
            pieces.append(rest[:1])
            rest = rest[1:]
    assert cut(pieces) == cut([text])


@given(texts)
def test_lines_and_words_are_those_of_split(text: str) -> None:
    found = cut([text])
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    assert [piece.text for piece in found if isinstance(piece, Line)] == lines
    wanted: list[Word | Line] = []
    for line in lines:
        words = line.split()
        wanted += [Word(word, index) for index, word in enumerate(words)]
        wanted.append(Line(line, len(words)))
    assert found == wanted
