"""Cuts at newlines."""

from __future__ import annotations

from alto_streams.quanta.cutter import Cutter
from alto_streams.quanta.piece import Piece


class Lines(Cutter):
    """A line is certain with its newline. Blank lines are no pieces, and pieces have no white space around them.

    >>> lines = Lines()
    >>> lines.feed("one\\ntw"), lines.feed("o"), lines.end()
    (['one'], [], ['two'])
    """

    def _scan(self, text: str, start: int, pieces: list[Piece]) -> None:
        at, size = 0, len(text)
        while (newline := text.find("\n", at)) >= 0:
            self._begin(text, at, newline, start)
            self._cut(start + newline, pieces)
            at = newline + 1
        if self.begun is None and at < size:
            self._begin(text, at, size, start)
