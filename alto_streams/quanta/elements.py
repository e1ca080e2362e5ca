"""Cuts JSON, as models write it, into its elements."""

from __future__ import annotations

import re
from collections.abc import Callable

from alto_streams.quanta.cutter import Cutter
from alto_streams.quanta.piece import Piece

_SCALAR = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null")
_BARE = re.compile(r"[-+.0-9A-Za-z]*")
_STARTS_BARE = frozenset("-0123456789tfn")
_IN_STRING = re.compile(r'["\\]')
_IN_LINE_STRING = re.compile(r'["\\\n]')
_IN_VALUE = re.compile(r'["\[\]{}]')
_IN_PROSE = re.compile(r"[\[{\n]")
_BEFORE_JSON = frozenset(":`,]}")  # what may stand on the line before an array or object


class Elements(Cutter):
    """An element is the JSON text of an element of a top-level array, of a top-level object, or of a scalar that has a
    line for itself: so arrays, newline-delimited JSON, and several of either.

    Prose and code fences around it are no pieces: an array or object begins at the beginning of a line, or after a
    colon, a backtick or other JSON, and an array holds JSON values, an object keys. Within an element only strings and
    nesting are followed. An element is certain with its last character, a number or word with the character after it, a
    scalar on a line with the newline. What the end of the stream cuts short is the last piece; parsing it tells.

    >>> elements = Elements()
    >>> elements.feed('Here:\\n```json\\n["a [1]", {"b": [2, 3]}, 4'), elements.feed("5, tr"), elements.feed("ue]")
    (['"a [1]"', '{"b": [2, 3]}'], ['45'], ['true'])
    """

    def reset(self, at: int = 0) -> None:
        super().reset(at)
        self._state: Callable[[str, int, int, list[Piece]], int] = self._line
        self._mark: int | None = None  # where something stands that may become an element
        self._before = ""  # the last character of the line that is no white space
        self._depth = 0  # of brackets in the open element
        self._listed = False  # whether the open element is one of an array

    def _scan(self, text: str, start: int, pieces: list[Piece]) -> None:
        at = 0
        while at < len(text):
            at = self._state(text, at, start, pieces)

    def _needed(self) -> int:
        return super()._needed() if self._mark is None else self._mark

    def _finish(self, pieces: list[Piece]) -> None:
        if self._mark is not None and self._state in (self._bare, self._line_bare, self._line_rest):
            self._scalar(self._end, pieces)
        super()._finish(pieces)

    # Each state reads text[at:], which stands at offset start + at, and returns where the next state reads on.

    def _line(self, text: str, at: int, start: int, pieces: list[Piece]) -> int:
        """At the beginning of a line of prose."""
        character = text[at]
        if character.isspace():
            return at + 1
        if character == '"':
            self._mark, self._state = start + at, self._line_string
            return at + 1
        if character in _STARTS_BARE:
            self._mark, self._state = start + at, self._line_bare
        else:
            self._before, self._state = "", self._prose
        return at

    def _line_string(self, text: str, at: int, start: int, pieces: list[Piece]) -> int:
        found = _IN_LINE_STRING.search(text, at)
        if found is None:
            return len(text)
        if found[0] == "\\":
            self._state = self._line_escape
        elif found[0] == '"':
            self._state = self._line_rest
        else:
            self._mark, self._state = None, self._line
        return found.end()

    def _line_escape(self, text: str, at: int, start: int, pieces: list[Piece]) -> int:
        self._state = self._line_string
        return at if text[at] == "\n" else at + 1

    def _line_bare(self, text: str, at: int, start: int, pieces: list[Piece]) -> int:
        found = _BARE.match(text, at)
        at = found.end() if found else at
        if at < len(text):
            self._state = self._line_rest
        return at

    def _line_rest(self, text: str, at: int, start: int, pieces: list[Piece]) -> int:
        """After a scalar at the beginning of a line: it is an element if nothing follows."""
        character = text[at]
        if character == "\n":
            self._scalar(start + at, pieces)
            self._state = self._line
        elif not character.isspace():
            self._mark, self._before, self._state = None, '"', self._prose
            return at
        return at + 1

    def _prose(self, text: str, at: int, start: int, pieces: list[Piece]) -> int:
        found = _IN_PROSE.search(text, at)
        passed = text[at : found.start() if found else len(text)].rstrip()
        self._before = passed[-1:] or self._before
        if found is None:
            return len(text)
        if found[0] == "\n":
            self._state = self._line
        elif self._before and self._before not in _BEFORE_JSON:
            self._before = found[0]
        elif found[0] == "[":
            self._state = self._value
        else:
            self._mark, self._state = start + found.start(), self._key
        return found.end()

    def _key(self, text: str, at: int, start: int, pieces: list[Piece]) -> int:
        """After a brace in prose: an object if a key or the closing brace follows."""
        if text[at].isspace():
            return at + 1
        if text[at] in '"}':
            self.begun, self._mark = self._mark, None
            self._depth, self._listed, self._state = 1, False, self._nested
        else:
            self._mark, self._before, self._state = None, "{", self._prose
        return at

    def _value(self, text: str, at: int, start: int, pieces: list[Piece]) -> int:
        """In an array, before a value or the closing bracket."""
        character = text[at]
        if character.isspace():
            return at + 1
        if character in '"[{':
            self.begun, self._listed = start + at, True
            self._depth = 0 if character == '"' else 1
            self._state = self._nested if self._depth else self._string
        elif character in _STARTS_BARE:
            self._mark, self._state = start + at, self._bare
            return at
        else:
            self._before, self._state = "]" if character == "]" else "[", self._prose
            return at + 1 if character == "]" else at
        return at + 1

    def _bare(self, text: str, at: int, start: int, pieces: list[Piece]) -> int:
        found = _BARE.match(text, at)
        at = found.end() if found else at
        if at < len(text):
            self._state = self._comma if self._scalar(start + at, pieces) else self._prose
            self._before = "["
        return at

    def _comma(self, text: str, at: int, start: int, pieces: list[Piece]) -> int:
        """In an array, after a value."""
        character = text[at]
        if character == ",":
            self._state = self._value
        elif character == "]":
            self._before, self._state = "]", self._prose
        elif not character.isspace():
            self._before, self._state = "[", self._prose
            return at
        return at + 1

    def _nested(self, text: str, at: int, start: int, pieces: list[Piece]) -> int:
        found = _IN_VALUE.search(text, at)
        if found is None:
            return len(text)
        if found[0] == '"':
            self._state = self._string
        elif found[0] in "[{":
            self._depth += 1
        else:
            self._depth -= 1
            if not self._depth:
                self._close(start + found.end(), pieces)
        return found.end()

    def _string(self, text: str, at: int, start: int, pieces: list[Piece]) -> int:
        found = _IN_STRING.search(text, at)
        if found is None:
            return len(text)
        if found[0] == "\\":
            self._state = self._escape
        elif self._depth:
            self._state = self._nested
        else:
            self._close(start + found.end(), pieces)
        return found.end()

    def _escape(self, text: str, at: int, start: int, pieces: list[Piece]) -> int:
        self._state = self._string
        return at + 1

    def _close(self, end: int, pieces: list[Piece]) -> None:
        self._cut(end, pieces)
        self._before, self._state = "}", self._comma if self._listed else self._prose

    def _scalar(self, end: int, pieces: list[Piece]) -> bool:
        """Whether what stands from the mark on is a number, word or string of JSON; it is then a piece."""
        assert self._mark is not None
        text = self.text(self._mark, end).rstrip()
        valid = text.startswith('"') or _SCALAR.fullmatch(text) is not None
        if valid:
            pieces.append(Piece(text, self._mark))
        self._mark = None
        return valid
