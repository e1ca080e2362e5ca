"""Cuts into tokens: words without their punctuation, and each punctuation mark."""

from __future__ import annotations

from functools import lru_cache
from unicodedata import category

from alto_streams.quanta.cutter import Cutter
from alto_streams.quanta.piece import Piece

_SPACE, _LETTER, _DIGIT, _MARK, _SINGLE = range(5)
# What Unicode's default word boundaries cut one by one: ideographs and hiragana.
_ONE_BY_ONE = (
    (0x3040, 0x309F),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_JOINS = {_LETTER: frozenset(".'\u2019"), _DIGIT: frozenset(".,'\u2019")}


@lru_cache(maxsize=4096)
def _kind(character: str) -> int:
    if character.isspace():
        return _SPACE
    if any(low <= ord(character) <= high for low, high in _ONE_BY_ONE):
        return _SINGLE
    if character.isdecimal():
        return _DIGIT
    if character.isalnum() or character == "_":
        return _LETTER
    return _MARK if category(character).startswith("M") or character in "\u200c\u200d" else _SINGLE


class Tokens(Cutter):
    """A token is a run of letters, digits and underscores, or one character of any other kind but white space.

    It is what UAX #29 calls a word or the mark between two, simplified: `.` and an apostrophe between two letters or
    two digits, and `,` between two digits, stay inside; ideographs and hiragana stand alone; combining marks and
    joiners belong to the character before them. A token is certain with the character after it, or the one after that
    where it is one of these joining marks. It is no language model's token: those depend on how a model chops its text.

    >>> tokens = Tokens()
    >>> tokens.feed("Don't pay $3"), tokens.feed("."), tokens.feed("50 (U."), tokens.feed("S.)"), tokens.end()
    (["Don't", 'pay', '$'], [], ['3.50', '('], ['U.S', '.'], [')'])
    """

    def reset(self, at: int = 0) -> None:
        super().reset(at)
        self._last = _SPACE  # the kind of the open token's last character, marks aside
        self._joint: int | None = None  # where a joining mark stands that may lie inside the token

    @property
    def sure(self) -> int:
        return self._end if self._joint is None else self._joint

    def _scan(self, text: str, start: int, pieces: list[Piece]) -> None:
        for at, character in enumerate(text, start):
            kind = _kind(character)
            if self._joint is not None:
                if kind == self._last:
                    self._joint = None
                    continue
                joint, self._joint = self._joint, None
                self._cut(joint, pieces)
                self.begun, self._last = joint, _SINGLE
            if self.begun is not None:
                if kind == _MARK:
                    continue
                if kind in (_LETTER, _DIGIT) and self._last in (_LETTER, _DIGIT):
                    self._last = kind
                    continue
                if character in _JOINS.get(self._last, ()):
                    self._joint = at
                    continue
                self._cut(at, pieces)
            if kind != _SPACE:
                self.begun, self._last = at, kind

    def _finish(self, pieces: list[Piece]) -> None:
        if self._joint is not None:
            self._cut(self._joint, pieces)
            self.begun = self._joint
        super()._finish(pieces)
