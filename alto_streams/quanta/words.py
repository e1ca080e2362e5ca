"""Cuts at white space."""

from __future__ import annotations

import re

from alto_streams.quanta.cutter import Cutter
from alto_streams.quanta.piece import Piece

_WORD = re.compile(r"\S+")


class Words(Cutter):
    """A word is a run of characters other than white space, certain with the white space after it.

    >>> words = Words()
    >>> words.feed("one tw"), words.feed("o "), words.end()
    (['one'], ['two'], [])
    """

    # The finest quantum of most pipelines, so it keeps the open word only, without the bookkeeping of the others.

    def feed(self, text: str) -> list[Piece]:
        pieces: list[Piece] = []
        if text:
            start = self._end
            self._end += len(text)
            self._scan(text, start, pieces)
        return pieces

    def _scan(self, text: str, start: int, pieces: list[Piece]) -> None:
        size, first = len(text), 0
        if self.begun is not None:
            if not text[0].isspace():
                word = _WORD.match(text)
                first = word.end() if word else 0
                self._parts.append(text[:first])
                if first == size:
                    return
            pieces.append(Piece("".join(self._parts), self.begun))
            self.begun = None
            self._parts.clear()
        for word in _WORD.finditer(text, first):
            low, high = word.span()
            if high < size:
                pieces.append(Piece(word[0], start + low))
            else:
                self.begun = start + low
                self._parts.append(word[0])
