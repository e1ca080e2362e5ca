"""Cutting costs in proportion to the text, whatever the chunks: counted, since time depends on the machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from alto_streams.quanta import QUANTA, Cutter, Nested, cut, cutter

# For each quantum, texts in which it would read again and again if it began anew with each chunk.
TEXTS: dict[str, Callable[[int], str]] = {
    "one long word": lambda n: "a" * n,
    "one long sentence": lambda n: "a " * (n // 2),
    "initials": lambda n: "A. " * (n // 3),
    "stops": lambda n: "." * n,
    "white space after a stop": lambda n: "A." + " " * n,
    "opening marks after a stop": lambda n: "A. " + "(" * n,
    "a long word after an initial": lambda n: "A. B" + "b" * n,
    "a rule that is none": lambda n: "- " * (n // 2),
    "an item of many lines": lambda n: "- " + "word\n " * (n // 6),
    "an indentation": lambda n: " " * n,
    "blank lines": lambda n: "a\n" + " \n" * (n // 2),
    "a string": lambda n: '["' + '\\"[' * (n // 3),
    "a string on a line": lambda n: '"' + "a [" * (n // 3),
    "a number": lambda n: "[" + "1" * n,
    "brackets": lambda n: "[" * n,
    "combining marks": lambda n: "a" + "\u0301" * n,
    "short lines": lambda n: "ab\n" * (n // 3),
}
SMALL, LARGE = 300, 1200


def work(make: Callable[[], Cutter | Nested], text: str, size: int) -> int:
    """Lines of Python run, characters copied to read them again, and pieces of text looked into for them."""
    steps = 0
    taken = Cutter.text

    def line(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal steps
        steps += event == "line"
        return line

    def text_of(self: Cutter, start: int, end: int) -> str:
        nonlocal steps
        found = taken(self, start, end)
        steps += len(found)
        return found

    used = make()
    before = sys.gettrace()
    Cutter.text = text_of  # type: ignore[method-assign]
    sys.settrace(lambda frame, *_: line if "quanta" in frame.f_code.co_filename else None)
    try:
        for at in range(0, len(text), size):
            used.feed(text[at : at + size])
        used.end()
    finally:
        sys.settrace(before)
        Cutter.text = taken  # type: ignore[method-assign]
    return steps


def check(make: Callable[[], Cutter | Nested], of: Callable[[int], str], size: int) -> None:
    assert work(make, of(LARGE), size) < 1.5 * LARGE / SMALL * work(make, of(SMALL), size) + LARGE


@pytest.mark.parametrize("name", list(TEXTS))
@pytest.mark.parametrize("size", [1, 7, LARGE * 2])
@pytest.mark.parametrize("quantum", list(QUANTA))
def test_four_times_the_text_is_four_times_the_work(quantum: str, size: int, name: str) -> None:
    check(lambda: cutter(quantum), TEXTS[name], size)


@pytest.mark.parametrize("name", list(TEXTS))
@pytest.mark.parametrize("quanta", [("line", "word"), ("sentence", "token"), ("whole", "sentence", "word")])
def test_at_several_levels_too(quanta: tuple[str, ...], name: str) -> None:
    check(lambda: Nested(*quanta), TEXTS[name], 1)


def test_the_count_sees_work_that_grows_faster() -> None:
    class Anew(Cutter):
        """Reads all of its text again with each chunk."""

        def _scan(self, text: str, start: int, pieces: list[Any]) -> None:
            self.begun = 0
            self.text(0, self._end)

    with pytest.raises(AssertionError):
        check(Anew, TEXTS["one long word"], 1)


@pytest.mark.parametrize("quantum", list(QUANTA))
def test_a_large_text_one_character_at_a_time(quantum: str) -> None:
    text = ('Dr. No paid $3.5.\n- It is\n  so: ["a", {"b": 1}]\n\n' * 4200)[:200_000]
    used = cutter(quantum)
    assert [piece for character in text for piece in used.feed(character)] + used.end() == cut(cutter(quantum), text)
