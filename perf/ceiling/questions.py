"""The questions asked: of a file, or where none is given, made up."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

_MADE_UP = "Which river flows through the city number {} of Germany, and who built its oldest bridge?"


def questions(file: Path | None, count: int) -> Sequence[str]:
    """`count` of them, evenly spread over a file of JSON lines with a `question` each, gzipped where it ends in .gz."""
    if file is None:
        return [_MADE_UP.format(number) for number in range(count)]
    data = file.read_bytes()
    lines = (gzip.decompress(data) if file.suffix == ".gz" else data).decode().splitlines()
    return [json.loads(lines[number * len(lines) // count])["question"] for number in range(count)]
