"""What benchmarks ask where nobody gives them a file: numbered questions, each of them answered anew."""

from __future__ import annotations

from pathlib import Path

from perf.load.files import read_questions

NUMBERED = [
    f"Which river flows through the town number {n} of the valley, and where does it begin?" for n in range(5000)
]


def questions(file: Path | None) -> list[str]:
    """Those of the file, or else the numbered ones. Raises LoadError."""
    return NUMBERED if file is None else read_questions(file)


def spread_over(questions: list[str], count: int) -> list[str]:
    """`count` of them, evenly spread.

    >>> spread_over(["a", "b", "c", "d"], 2)
    ['a', 'c']
    """
    return [questions[number * len(questions) // count] for number in range(count)]
