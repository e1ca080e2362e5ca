"""Cuts nothing."""

from __future__ import annotations

from alto_streams.quanta.cutter import Cutter
from alto_streams.quanta.piece import Piece


class Whole(Cutter):
    """The whole text, without the white space around it, is one piece; a blank text is none.

    >>> whole = Whole()
    >>> whole.feed(" one two"), whole.feed("\\nthree "), whole.end()
    ([], [], ['one two\\nthree'])
    """

    def _scan(self, text: str, start: int, pieces: list[Piece]) -> None:
        self._begin(text, 0, len(text), start)
