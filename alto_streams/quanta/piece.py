"""A piece of a stream: text that knows where it stood."""

from __future__ import annotations

from typing import Self


class Piece(str):
    """The text of a piece, and the characters [`start`, `end`) of the stream that it is: `stream[start:end] == piece`.

    It is a string, so whoever wants the text only need not know of offsets: they take no part in `==` and `hash`. What
    is derived from it (`piece.upper()`, `piece[1:]`) is a plain `str`, since it has no place in the stream.

    >>> piece = Piece("two", 4)
    >>> piece, piece.start, piece.end, "one two"[piece.start : piece.end] == piece
    ('two', 4, 7, True)
    """

    __slots__ = ("start",)
    start: int

    def __new__(cls, text: str, start: int = 0) -> Self:
        piece = str.__new__(cls, text)
        piece.start = start
        return piece

    @property
    def end(self) -> int:
        """The offset after the last character."""
        return self.start + len(self)
