"""Reads what to ask and when from files: questions as JSON lines or plain lines, traces as seconds or JSON lines."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from perf.load.errors import LoadError

BUILT_IN = (
    "Who wrote The Old Man and the Sea?",
    "What is the capital of France?",
    "Who painted the Mona Lisa?",
    "What is basalt?",
    "When did the Berlin Wall fall?",
    "How does a vaccine work?",
    "Which planet has the largest moon?",
    "What did Marie Curie discover?",
    "Where does the Danube begin?",
    "Who was the first person to walk on the Moon?",
    "Why is the sky blue?",
    "What causes the tides of the sea?",
    "Who composed The Magic Flute?",
    "How long is the Great Wall of China?",
    "What is the speed of light?",
    "Which animals hibernate in winter?",
)


class Traced(NamedTuple):
    """One line of a trace. `question` is empty where the trace does not say what was asked."""

    at: float
    question: str = ""


def read_questions(file: Path, field: str = "question") -> list[str]:
    """One question a line, or one JSON object that has it in `field`; gzipped where the name ends so.

    Raises LoadError naming the file and the line.
    """
    found = []
    for number, line in _lines(file):
        text = _object(file, number, line).get(field) if line.startswith("{") else line
        if not isinstance(text, str) or not text.strip():
            raise LoadError(f"{file}, line {number} has no text '{field}'.", "name the field with --field")
        found.append(text.strip())
    if not found:
        raise LoadError(f"{file} holds no question.", "write one question a line")
    return found


def read_trace(file: Path) -> list[Traced]:
    """Seconds, one a line, or JSON objects with "at" and perhaps "question"; in any order. Raises LoadError."""
    found = []
    for number, line in _lines(file):
        fields = _object(file, number, line) if line.startswith("{") else {"at": line}
        question = fields.get("question", "")
        try:
            at = float(fields["at"])
        except (KeyError, TypeError, ValueError):
            at = math.nan
        if not math.isfinite(at) or at < 0 or not isinstance(question, str):
            raise LoadError(
                f"{file}, line {number} is no arrival.",
                'write seconds from the beginning, or {"at": seconds, "question": text}',
            )
        found.append(Traced(at, question.strip()))
    if not found:
        raise LoadError(f"{file} holds no arrival.", "write the seconds of one arrival a line")
    return sorted(found)


def drawn(questions: list[str], number: int, seed: int) -> list[str]:
    """So many questions in an order drawn by `seed`: none twice before all have been asked once."""
    random, found = Random(seed), list[str]()
    while len(found) < number:
        found += random.sample(questions, len(questions))
    return found[:number]


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    try:
        raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        text = raw.decode()
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise LoadError(f"{file} cannot be read: {why}.", "name a text file, or one that gzip has packed") from None
    yield from ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip())


def _object(file: Path, number: int, line: str) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except ValueError as error:
        raise LoadError(f"{file}, line {number} is no JSON object ({error}).", "correct or remove it") from None
