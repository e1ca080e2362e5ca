"""Cuts at several quanta in one pass: the finer pieces come while the coarser one is still being written."""

from __future__ import annotations

from typing import NamedTuple

from alto_streams.quanta.names import check_finer, cutter
from alto_streams.quanta.piece import Piece


class Part(NamedTuple):
    """A piece and its place: `path` holds its index among those of the piece it is in, after that piece's own path.

    `parts` is the number of pieces one level finer that it has; they came before it. 0 at the finest level.
    """

    path: tuple[int, ...]
    piece: Piece
    parts: int


class Nested:
    """Cuts at `quanta`, from the coarsest to the finest, each within the pieces of the one before.

    Finer pieces are what their cutter makes of the coarser piece's text alone, so they lie inside it; their offsets are
    those of the stream. Raises QuantumError where a quantum is not known or not finer than the one before.

    >>> nested = Nested("line", "word")
    >>> [tuple(part) for part in nested.feed("Eiffel To")]
    [((0, 0), 'Eiffel', 0)]
    >>> [tuple(part) for part in nested.feed("wer\\nPa") + nested.end()]
    [((0, 1), 'Tower', 0), ((0,), 'Eiffel Tower', 2), ((1, 0), 'Pa', 0), ((1,), 'Pa', 1)]
    """

    def __init__(self, coarse: str, *finer: str) -> None:
        self._cutter = cutter(coarse)
        if finer:
            check_finer(coarse, finer[0])
        self._inner = Nested(*finer) if finer else None
        self.reset()

    def reset(self, at: int = 0, path: tuple[int, ...] = ()) -> None:
        """Forgets everything; the next text fed stands at offset `at`, inside the piece at `path`."""
        self._cutter.reset(at)
        self._at = at
        self._path = path
        self.count = 0
        """How many pieces of the coarsest quantum have come."""
        self._fed: int | None = None  # up to where the open piece went to the inner cutter

    def feed(self, text: str) -> list[Part]:
        """The parts that this text makes certain: each piece after the pieces it is made of."""
        parts: list[Part] = []
        cutter, start = self._cutter, self._at
        self._at += len(text)
        for piece in cutter.feed(text):
            self._complete(piece, parts)
        inner, begun = self._inner, cutter.begun
        if inner is None or begun is None:
            return parts
        sure = cutter.sure
        if self._fed is None:
            inner.reset(begun, (*self._path, self.count))
            self._fed = begun
        if sure > self._fed:
            fresh = text if self._fed == start and sure == self._at else cutter.text(self._fed, sure)
            parts += inner.feed(fresh)
            self._fed = sure
        return parts

    def end(self) -> list[Part]:
        """The parts that were not yet certain; the cutter is then as new, at the same path."""
        parts: list[Part] = []
        for piece in self._cutter.end():
            self._complete(piece, parts)
        path, count = self._path, self.count
        self.reset(0, path)
        self.count = count
        return parts

    def _complete(self, piece: Piece, parts: list[Part]) -> None:
        path, inner = (*self._path, self.count), self._inner
        if inner is None:
            parts.append(Part(path, piece, 0))
        else:
            if self._fed is None:
                inner.reset(piece.start, path)
                self._fed = piece.start
            if piece.end > self._fed:
                parts += inner.feed(piece[self._fed - piece.start :])
            parts += inner.end()
            parts.append(Part(path, piece, inner.count))
            self._fed = None
        self.count += 1
