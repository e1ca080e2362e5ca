"""Cuts at blank lines."""

from __future__ import annotations

from alto_streams.quanta.cutter import Cutter
from alto_streams.quanta.piece import Piece


class Paragraphs(Cutter):
    """A paragraph is a run of lines that are not blank, certain with the newline of the blank line after it.

    >>> paragraphs = Paragraphs()
    >>> paragraphs.feed("one\\ntwo\\n "), paragraphs.feed("\\nthr"), paragraphs.feed("ee"), paragraphs.end()
    ([], ['one\\ntwo'], [], ['three'])
    """

    def reset(self, at: int = 0) -> None:
        super().reset(at)
        self._blank = True  # whether the line has nothing but white space so far

    def _scan(self, text: str, start: int, pieces: list[Piece]) -> None:
        at = 0
        while (newline := text.find("\n", at)) >= 0:
            self._read(text, at, newline, start)
            if self._blank:
                self._cut(start + newline, pieces)
            self._blank = True
            at = newline + 1
        self._read(text, at, len(text), start)

    def _read(self, text: str, low: int, high: int, start: int) -> None:
        self._begin(text, low, high, start)
        segment = text[low:high]
        self._blank = self._blank and (not segment or segment.isspace())
