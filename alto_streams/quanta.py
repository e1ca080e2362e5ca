"""Cuts streamed text into quanta (sentences, lines, words) as soon as each is certain to be complete.

A cutter's pieces depend on the text alone, never on how the text was chunked: a boundary is reported once the
text read so far decides it, and no later text can change that. Cost: each character is looked at a few times.
"""

from __future__ import annotations

import re
from typing import Protocol


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# A full stop after one of these never ends a sentence.
_TITLES = _set(
    "dr mr mrs ms mx prof st mt ft gen col lt sgt capt cmdr adm maj rev hon pres gov sen rep messrs "
    "vs viz cf ca approx est fig figs vol vols pp ed eds e.g i.e eg ie al"
)
# After these it ends one only when the next word usually begins one.
_SHORTENINGS = _set("jr sr inc ltd co corp bros etc dept univ ave blvd rd b.c a.d a.m p.m")
# After these it ends none when a number follows.
_BEFORE_NUMBERS = _set("no nos art sec ch jan feb mar apr jun jul aug sep sept oct nov dec p")
_STARTERS = _set(
    "a an the it its he his she her they their we our you your i this that these those there here in on at "
    "by for from with of to as after before during since when while although though because if but and or so "
    "yet however moreover furthermore additionally also today later both many most some several another each "
    "one two three no not who what where which why how is was are were did does do once until under over"
)
_STOPS = ".!?\u2026"
_WIDE_STOPS = "\u3002\uff01\uff1f"
_CLOSERS = "\"')]}\u201d\u2019»*_"
_OPENERS = "\"'([{\u201c\u2018«*_"
_DOTTED = re.compile(r"(?:[^\W\d_]{1,3}\.)+[^\W\d_]{1,3}")
_ENUMERATOR = re.compile(r"[\-*\s(]*\d{1,2}")


class Cutter(Protocol):
    """Feed it text in any chunks; it returns the pieces that have become certain."""

    def feed(self, text: str) -> list[str]: ...

    def end(self) -> list[str]: ...


class Lines:
    """Cuts at newlines; blank lines are no pieces, and pieces have no white space around them.

    >>> lines = Lines()
    >>> lines.feed("one\\ntw"), lines.feed("o"), lines.end()
    (['one'], [], ['two'])
    """

    def __init__(self) -> None:
        self._rest = ""

    @property
    def pending(self) -> str:
        """The text after the last piece."""
        return self._rest

    def feed(self, text: str) -> list[str]:
        *whole, self._rest = (self._rest + text).split("\n")
        return [line for line in map(str.strip, whole) if line]

    def end(self) -> list[str]:
        return self.feed("\n")


class Words:
    """Cuts at white space.

    >>> words = Words()
    >>> words.feed("one tw"), words.feed("o "), words.end()
    (['one'], ['two'], [])
    """

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, text: str) -> list[str]:
        text = self._rest + text
        pieces = text.split()
        self._rest = pieces.pop() if pieces and not text[-1].isspace() else ""
        return pieces

    def end(self) -> list[str]:
        return self.feed(" ")


class Sentences:
    """Cuts at the ends of sentences: not after "Dr.", initials, "U.S." in mid-sentence, or within "3.5".

    A newline ends a sentence. White space within a sentence is kept, around it is not.

    >>> sentences = Sentences()
    >>> sentences.feed("Dr. J. Smith paid $3.5 in the U.S. economy. It")
    ['Dr. J. Smith paid $3.5 in the U.S. economy.']
    >>> sentences.end()
    ['It']
    """

    def __init__(self) -> None:
        self._rest = ""
        self._scan = 0  # no sentence of _rest ends before this

    @property
    def pending(self) -> str:
        """The text after the last piece."""
        return self._rest

    def feed(self, text: str) -> list[str]:
        self._rest += text
        return self._cut(ended=False)

    def end(self) -> list[str]:
        pieces = self._cut(ended=True)
        last, self._rest, self._scan = self._rest.strip(), "", 0
        return [*pieces, last] if last else pieces

    def _cut(self, ended: bool) -> list[str]:
        pieces = []
        while self._scan < len(self._rest):
            character = self._rest[self._scan]
            if character == "\n" or character in _WIDE_STOPS:
                end: int | None = self._scan + 1
            elif character in _STOPS:
                end = self._boundary(self._scan, ended)
                if end is None:
                    break
            else:
                self._scan += 1
                continue
            if end:
                piece = self._rest[:end].strip()
                self._rest, self._scan = self._rest[end:], 0
                if piece:
                    pieces.append(piece)
            else:
                self._scan += 1
        return pieces

    def _boundary(self, stop: int, ended: bool) -> int | None:
        """The end of the sentence that stops at `stop`; 0 when it goes on; None when the text does not tell."""
        text = self._rest
        end = stop + 1
        while end < len(text) and text[end] in _STOPS:
            end += 1
        while end < len(text) and text[end] in _CLOSERS:
            end += 1
        if end == len(text):
            return end if ended else None
        if not text[end].isspace():
            return 0
        start = end
        while start < len(text) and text[start].isspace():
            if text[start] == "\n":
                return end
            start += 1
        while start < len(text) and text[start] in _OPENERS:
            start += 1
        if start == len(text):
            return end if ended else None
        if text[start].islower():
            return 0
        if text[stop] != "." or end > stop + 1:
            return end
        return self._after_word(self._rest[:stop], start, end, ended)

    def _after_word(self, before: str, start: int, end: int, ended: bool) -> int | None:
        """As `_boundary`, for a single full stop after `before`, when the next word begins at `start`."""
        if _ENUMERATOR.fullmatch(before):
            return 0
        words = before.split()
        word = words[-1].lstrip(_OPENERS).rpartition("-")[2] if words else ""
        plain = word.lower()
        if plain in _TITLES or (plain in _BEFORE_NUMBERS and self._rest[start].isdigit()):
            return 0
        initial = len(word) == 1 and word.isalpha() and word.isupper()
        if not (initial or plain in _SHORTENINGS or _DOTTED.fullmatch(word)):
            return end
        following = start
        while following < len(self._rest) and self._rest[following].isalpha():
            following += 1
        if following == len(self._rest) and not ended:
            return None
        return end if self._rest[start:following].lower() in _STARTERS else 0


def cut(cutter: Cutter, text: str) -> list[str]:
    """The pieces of a text that is there whole.

    >>> cut(Words(), "to be or not")
    ['to', 'be', 'or', 'not']
    """
    return cutter.feed(text) + cutter.end()
