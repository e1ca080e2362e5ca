"""Cuts text, as it streams, into lines and the words of each line, for the readers of a `cut` expand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the line that is still being written; `index` counts within the line."""

    text: str
    index: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is complete, without its surrounding white space; it has `words` words."""

    text: str
    words: int


class LineCutter:
    """Blank lines are no items. Exact under any chunking: equal text gives equal words and lines.

    >>> cutter = LineCutter()
    >>> [*cutter.feed("Eif"), *cutter.feed("fel Tower"), *cutter.end()]
    [Word(text='Eiffel', index=0), Word(text='Tower', index=1), Line(text='Eiffel Tower', words=2)]
    """

    def __init__(self) -> None:
        self._line: list[str] = []
        self._word: list[str] = []
        self._words = 0

    def feed(self, text: str) -> Iterator[Word | Line]:
        for piece in text:
            if not piece.isspace():
                self._word.append(piece)
                self._line.append(piece)
                continue
            yield from self._end_word()
            if piece == "\n":
                yield from self._end_line()
            else:
                self._line.append(piece)

    def end(self) -> Iterator[Word | Line]:
        yield from self._end_word()
        yield from self._end_line()

    def _end_word(self) -> Iterator[Word]:
        if self._word:
            yield Word("".join(self._word), self._words)
            self._word.clear()
            self._words += 1

    def _end_line(self) -> Iterator[Line]:
        if self._words:
            yield Line("".join(self._line).strip(), self._words)
        self._line.clear()
        self._words = 0
