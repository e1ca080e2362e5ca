"""Cuts at the ends of sentences."""

from __future__ import annotations

import re

from alto_streams.quanta.abbreviations import BEFORE_NUMBERS, LONGEST_STARTER, SHORTENINGS, STARTERS, TITLES
from alto_streams.quanta.cutter import Cutter
from alto_streams.quanta.piece import Piece

_STOPS = ".!?\u2026"
_WIDE_STOPS = "\u3002\uff01\uff1f"
_CLOSERS = "\"')]}\u201d\u2019»*_"
_OPENERS = "\"'([{\u201c\u2018«*_"
_STOP = re.compile(f"[\n{_STOPS}{_WIDE_STOPS}]")
_DOTTED = re.compile(r"(?:[^\W\d_]{1,3}\.)+[^\W\d_]{1,3}")
_ENUMERATOR = re.compile(r"[\-*\s(]*\d{1,2}")
_LONGEST_ENUMERATOR = 12  # characters

# What may come next: a stop; after it more stops, closing marks, white space, opening marks, and a word.
_IN_TEXT, _IN_STOPS, _IN_CLOSERS, _IN_SPACE, _IN_OPENERS, _IN_WORD = range(6)


class Sentences(Cutter):
    """A sentence ends not after "Dr.", initials, "U.S." in mid-sentence, or within "3.5"; a newline ends it.

    It is certain with the newline, or with the first letter of the next sentence, or, after an abbreviation, with that
    sentence's first word. White space within a sentence is kept, around it is not.

    >>> sentences = Sentences()
    >>> sentences.feed("Dr. J. Smith paid $3.5 in the U.S. economy. It")
    ['Dr. J. Smith paid $3.5 in the U.S. economy.']
    >>> sentences.end()
    ['It']
    """

    def reset(self, at: int = 0) -> None:
        super().reset(at)
        self._state = _IN_TEXT
        self._stop = at  # the first stop of what may be the end
        self._after = at  # after the stops and the closing marks
        self._plain = False  # whether the stop is a single full stop
        self._next = at  # where the next sentence would begin
        self._word = ""  # with which the next sentence would begin, as far as read

    @property
    def sure(self) -> int:
        return self._next if self._state in (_IN_OPENERS, _IN_WORD) else self._end

    def _scan(self, text: str, start: int, pieces: list[Piece]) -> None:
        at, size = 0, len(text)
        while at < size:
            if self._state == _IN_TEXT:
                found = _STOP.search(text, at)
                stop = found.start() if found else size
                self._begin(text, at, stop + 1, start)
                at = stop + 1
                if found:
                    self._at_stop(found[0], start + stop, pieces)
            elif self._step(text[at], start + at, pieces):
                at += 1

    def _at_stop(self, character: str, offset: int, pieces: list[Piece]) -> None:
        if character == "\n":
            self._cut(offset, pieces)
        elif character in _WIDE_STOPS:
            self._cut(offset + 1, pieces)
        else:
            self._state, self._stop, self._after = _IN_STOPS, offset, offset + 1
            self._plain = character == "."

    def _step(self, character: str, offset: int, pieces: list[Piece]) -> bool:
        """Reads one character after a stop; False where it is to be read once more, in the state that is now."""
        if self._state in (_IN_STOPS, _IN_CLOSERS):
            if self._state == _IN_STOPS and character not in _STOPS:
                self._state = _IN_CLOSERS
            if self._state == _IN_STOPS or character in _CLOSERS:
                self._after, self._plain = offset + 1, False
                return True
            self._state = _IN_SPACE if character.isspace() else _IN_TEXT
            return False
        if self._state == _IN_SPACE:
            if character == "\n":
                self._state = _IN_TEXT
                self._cut(self._after, pieces)
                return True
            if character.isspace():
                return True
            self._state, self._next, self._word = _IN_OPENERS, offset, ""
        if self._state == _IN_OPENERS:
            if character in _OPENERS:
                return True
            ends = self._ends_before(character)
            if ends is not None:
                self._resolve(ends, pieces)
                return False
            self._state = _IN_WORD
        if character.isalpha() and len(self._word) <= LONGEST_STARTER:
            self._word += character
            return True
        self._resolve(self._word.lower() in STARTERS, pieces)
        return False

    def _ends_before(self, following: str) -> bool | None:
        """Whether the sentence ended, now that its follower's first letter is known; None where it takes the word."""
        if following.islower():
            return False
        if not self._plain:
            return True
        if self._stop - (self.begun or 0) <= _LONGEST_ENUMERATOR and _ENUMERATOR.fullmatch(
            self.text(self.begun or 0, self._stop)
        ):
            return False
        word = self._word_before_stop().lstrip(_OPENERS).rpartition("-")[2]
        plain = word.lower()
        if plain in TITLES or (plain in BEFORE_NUMBERS and following.isdigit()):
            return False
        initial = len(word) == 1 and word.isalpha() and word.isupper()
        return None if initial or plain in SHORTENINGS or _DOTTED.fullmatch(word) else True

    def _word_before_stop(self) -> str:
        """Costs its length, not the sentence's: a text of nothing but initials is one sentence."""
        characters: list[str] = []
        high = self._end
        for part in reversed(self._parts):
            low = high - len(part)
            for at in range(min(self._stop, high) - low - 1, max((self.begun or 0) - low, 0) - 1, -1):
                if not part[at].isspace():
                    characters.append(part[at])
                elif characters:
                    return "".join(reversed(characters))
            if low <= (self.begun or 0):
                break
            high = low
        return "".join(reversed(characters))

    def _resolve(self, ends: bool, pieces: list[Piece]) -> None:
        self._state = _IN_TEXT
        if ends:
            self._cut(self._after, pieces)
            self.begun = self._next

    def _finish(self, pieces: list[Piece]) -> None:
        if self._state in (_IN_OPENERS, _IN_WORD):
            self._step("\n", self._end, pieces)  # which is no part of any piece
        super()._finish(pieces)
