"""What every cutter shares: the text that is still needed, the piece that is open, and where it stands.

A cutter's pieces depend on the text alone, never on how the text was chunked: a piece is reported once the text read so
far decides it, and no later text can change that. Cost: each character is looked at a bounded number of times, whatever
the size of the chunks; memory is that of the open piece.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

from alto_streams.quanta.piece import Piece

_SOLID = re.compile(r"\S")


class Cutter(ABC):
    """Feed it text in any chunks; it returns the pieces that have become certain.

    No piece begins or ends in white space. `end` returns the rest, and leaves the cutter as new.
    """

    begun: int | None
    """The offset at which the open piece begins; None where nothing is open."""

    def __init__(self) -> None:
        self.reset()

    def reset(self, at: int = 0) -> None:
        """Forgets everything; the next text fed stands at offset `at`."""
        self.begun = None
        self._end = at
        self._parts: list[str] = []  # the text [_kept, _end)
        self._kept = at

    def feed(self, text: str) -> list[Piece]:
        """The pieces that this text makes certain."""
        pieces: list[Piece] = []
        if text:
            start = self._end
            self._parts.append(text)
            self._end += len(text)
            self._scan(text, start, pieces)
            if pieces or self.begun is None:
                self._forget(self._needed())
        return pieces

    def end(self) -> list[Piece]:
        """The pieces that were not yet certain, now that nothing follows."""
        pieces: list[Piece] = []
        self._finish(pieces)
        self.reset()
        return pieces

    @property
    def sure(self) -> int:
        """Text before this offset belongs to the open piece, or is white space after it, whatever follows."""
        return self._end

    @property
    def pending(self) -> str:
        """The text from the beginning of the open piece on."""
        return "" if self.begun is None else self.text(self.begun, self._end)

    def text(self, start: int, end: int) -> str:
        """The characters [start, end) of the stream, where `start` is not before the open piece."""
        found, high = [], self._end
        for part in reversed(self._parts):
            low = high - len(part)
            if low < end:
                found.append(part[max(start - low, 0) : end - low])
            if low <= start:
                break
            high = low
        found.reverse()
        return "".join(found)

    @abstractmethod
    def _scan(self, text: str, start: int, pieces: list[Piece]) -> None:
        """Reads the next text, which stands at offset `start`, and adds the pieces that became certain."""

    def _finish(self, pieces: list[Piece]) -> None:
        """Adds the rest."""
        self._cut(self._end, pieces)

    def _needed(self) -> int:
        """The offset before which no text will be asked for."""
        return self._end if self.begun is None else self.begun

    def _begin(self, text: str, low: int, high: int, start: int) -> None:
        """Opens a piece at the first character of text[low:high] that is no white space, unless one is open."""
        if self.begun is None and (solid := _SOLID.search(text, low, high)):
            self.begun = start + solid.start()

    def _cut(self, end: int, pieces: list[Piece]) -> None:
        """Ends the open piece, if there is one, at `end` or at the last character before it that is no white space."""
        if self.begun is not None:
            pieces.append(Piece(self.text(self.begun, end).rstrip(), self.begun))
            self.begun = None

    def _forget(self, before: int) -> None:
        if before > self._kept:
            self._parts = [self.text(before, self._end)] if before < self._end else []
            self._kept = before


def cut(cutter: Cutter, text: str) -> list[Piece]:
    """The pieces of a text that is there whole.

    >>> from alto_streams.quanta import Words
    >>> [(word, word.start, word.end) for word in cut(Words(), "to be")]
    [('to', 0, 2), ('be', 3, 5)]
    """
    return cutter.feed(text) + cutter.end()
