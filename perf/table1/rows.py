"""Table 1 from the traces of the stages: each run of a language-model stage with what its engine wrote, and when."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """A quantum of a stage: mean and standard deviation of each column. The paper's number of requests is at 15 a
    second for 12 minutes.
    """

    stage: str
    quantum: str
    requests: int
    outputs: tuple[float, float]
    words: tuple[float, float]
    ms: tuple[float, float]


PAPER = (
    Row("answer", "response", 10_795, (1, 0), (62.5, 57.2), (1292.3, 1175.0)),
    Row("extract_claims", "claim", 10_795, (3.3, 1.8), (9.8, 3.5), (403.6, 1175.0)),
    Row("generate_queries", "search query", 35_516, (2.5, 1.3), (5.5, 3.1), (326.6, 252.4)),
    Row("generate_queries", "search query token", 35_516, (5.5, 3.1), (1, 0), (59.8, 79.3)),
)


@dataclass(slots=True)
class Seen:
    """Of one quantum: for each request or item how many, for each of them how long and how many words."""

    requests: int = 0
    outputs: list[int] = field(default_factory=list)
    words: list[int] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)

    def row(self, stage: str, quantum: str) -> Row:
        return Row(stage, quantum, self.requests, _spread(self.outputs), _spread(self.words), _spread(self.ms))


def rows(folder: Path) -> list[Row]:
    """One for each of the paper's, from the trace files of a folder. Runs that did not end well are left out."""
    seen = [Seen() for _ in PAPER]
    by_stage = {row.stage: found for row, found in zip(PAPER[:3], seen, strict=False)}
    for line in _lines(folder):
        if line["stage"] in by_stage and line["status"] == "ok" and line["engine"]:
            _add(by_stage[line["stage"]], line)
            if line["stage"] == PAPER[3].stage:
                _add_tokens(seen[3], line)
    return [found.row(row.stage, row.quantum) for row, found in zip(PAPER, seen, strict=True)]


def _add(seen: Seen, line: dict[str, Any]) -> None:
    """An output's time counts from the one before it, the first's from the request; its words are those written by
    then. A response is there with the last word.
    """
    (call,) = line["engine"]
    asked = (call["submitted"] - line["begun"]) / 1000
    items = [since - asked for since, kind, path, _, _ in line["outputs"] if kind == "item" and len(path) == 1]
    ends = [*items[:-1], call["chunks"][-1][0]]
    seen.requests += 1
    seen.outputs.append(len(ends))
    sums = accumulate(words for _, words in call["chunks"])
    written = [(at, words) for (at, _), words in zip(call["chunks"], sums, strict=True)]
    counts = [max((words for at, words in written if at <= end), default=0) for end in ends]
    seen.words += [after - before for before, after in pairwise([0, *counts])]
    seen.ms += [(after - before) / 1000 for before, after in pairwise([0, *ends])]


def _add_tokens(seen: Seen, line: dict[str, Any]) -> None:
    """A query's tokens are what its item says that it has; their times are the words' of the engine."""
    (call,) = line["engine"]
    seen.requests += 1
    seen.outputs += [size for _, kind, path, size, _ in line["outputs"] if kind == "count" and len(path) == 1]
    for (_, before), (words, after) in pairwise([(0, 0), *((words, at) for at, words in call["chunks"])]):
        seen.words += [1] * words
        seen.ms += [(after - before) / 1000 / words] * words


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.glob("*.jsonl")):
        yield from map(json.loads, file.read_text().splitlines())


def _spread(values: Sequence[float]) -> tuple[float, float]:
    return (round(fmean(values), 1), round(pstdev(values), 1)) if values else (0.0, 0.0)
