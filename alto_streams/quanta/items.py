"""Cuts lists, as models and people write them, into their items."""

from __future__ import annotations

import re

from alto_streams.quanta.cutter import Cutter
from alto_streams.quanta.piece import Piece

_MARKER = re.compile(r"[-*+\u2022\u2023\u25e6\u25aa\u2013\u2014]|\(?(?:\d{1,3}|[a-z])\)|\d{1,3}\.")
_MAYBE_MARKER = re.compile(r"\(?(?:\d{0,3}|[a-z])")
_MAYBE_FENCE = ("`", "``", "~", "~~")
_FENCES = ("```", "~~~")
_HEADING = re.compile(r"#{1,6}")
_RULE = "-*_"
_LONGEST = 6  # characters of the beginning of a line that tell what it is: a fence, "######", "(123)"

_TEXT, _ITEM, _BREAK, _FENCE = "text", "item", "break", "fence"


class Items(Cutter):
    """An item is the text after a list marker, down to the next item, or to the end of the list.

    Markers: `-`, `*`, `+`, a bullet or a dash; `1.` `1)` `(1)` up to three digits; `a)` `(a)`; at any indentation, with
    white space after them. An item goes on over the lines after it, and after blank lines over lines that are indented
    (so far Markdown); code between fences holds no markers. The list ends with an unindented line after a blank line,
    or an unindented heading, rule or fence. A nested item is a piece of its own, after the one that it is nested in.
    Prose before, between and after lists is no piece. An item is certain with the marker of the next one, or with the
    beginning of the line that ends the list.

    >>> items = Items()
    >>> items.feed("Three facts:\\n\\n1. The first\\n   has two lines.\\n2"), items.feed(". Second.\\n   - Neste")
    ([], ['The first\\n   has two lines.', 'Second.'])
    >>> items.feed("d.\\n\\nThat is all."), items.end()
    (['Nested.'], [])
    """

    def reset(self, at: int = 0) -> None:
        super().reset(at)
        self._listed = False  # whether the line belongs to an item, which may have no text yet
        self._fence = ""  # of the code that is open
        self._gap = False  # whether blank lines stand before this line
        self._start_line(at)

    def _start_line(self, at: int) -> None:
        self._head = ""  # the line's first characters
        self._head_at = at  # where they stand
        self._deciding = True  # whether they do not yet tell what the line is
        self._indented = False
        self._same = 0  # how often the line's first character has come
        self._spaced = False  # whether white space came after the head
        self._content: int | None = None  # where what comes after that begins

    @property
    def sure(self) -> int:
        return self._head_at if self._deciding and self._head else self._end

    def _needed(self) -> int:
        return self._head_at if self.begun is None and self._deciding and self._head else super()._needed()

    def _scan(self, text: str, start: int, pieces: list[Piece]) -> None:
        at, size = 0, len(text)
        while at < size:
            if self._deciding:
                self._read(text[at], start + at, pieces)
                at += 1
                continue
            newline = text.find("\n", at)
            high = size if newline < 0 else newline
            if self._listed:
                self._begin(text, at, high, start)
            at = high + 1
            if newline >= 0:
                self._gap = False
                self._start_line(start + at)

    def _read(self, character: str, offset: int, pieces: list[Piece]) -> None:
        """One character of a line that is not yet known for what it is."""
        if character == "\n":
            if self._head:
                self._decide(character, pieces)
                self._gap = False
            else:
                self._gap = True
            self._start_line(offset + 1)
        elif not self._head and character.isspace():
            self._indented = True
        else:
            if not self._head:
                self._head_at = offset
            if self._spaced and self._content is None and not character.isspace():
                self._content = offset
            if self._head and self._decide(character, pieces):
                return
            self._spaced = self._spaced or character.isspace()
            if len(self._head) < _LONGEST and not self._spaced:
                self._head += character
            if character == self._head[0]:
                self._same += 1

    def _decide(self, following: str, pieces: list[Piece]) -> bool:
        """Whether the line is known for what it is, given what follows its head; it is then dealt with."""
        kind = self._kind(following)
        if kind is None:
            return False
        self._deciding = False
        indented, fenced = self._indented, bool(self._fence)
        if fenced:
            if self._head.startswith(self._fence):
                self._fence = ""
        elif kind is _FENCE:
            self._fence = self._head[:3]
        if kind is _ITEM and not fenced:
            self._cut(self._head_at, pieces)
            self._listed, self.begun = True, self._content
            return True
        breaks = not indented and not fenced and (kind in (_BREAK, _FENCE) or self._gap)
        if breaks:
            self._cut(self._head_at, pieces)
            self._listed = False
        elif self._listed and self.begun is None:
            self.begun = self._head_at
        return True

    def _kind(self, following: str) -> str | None:
        """What the line is; None where what follows its head does not tell."""
        head, ended = self._head, following == "\n"
        spaced = self._spaced or following.isspace()
        if head[0] in _RULE:
            if not ended and (following == head[0] or following.isspace()):
                return None  # a rule, perhaps
            if ended and self._same >= 3:
                return _BREAK
        if head.startswith(_FENCES):
            return _FENCE
        if spaced:
            if _MARKER.fullmatch(head):
                return _ITEM
            return _BREAK if _HEADING.fullmatch(head) else _TEXT
        longer = head + following
        maybe = (
            _MAYBE_MARKER.fullmatch(longer)
            or _MARKER.fullmatch(longer)
            or longer in _MAYBE_FENCE
            or longer in _FENCES
            or _HEADING.fullmatch(longer)
        )
        return None if maybe else _TEXT

    def _finish(self, pieces: list[Piece]) -> None:
        if self._head and self._deciding:
            self._decide("\n", pieces)
        super()._finish(pieces)
