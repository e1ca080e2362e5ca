"""Table 1 from the traces of the stages: each run of a language-model stage with what its engine wrote, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import fmean, pstdev

from perf.trace.runs import Run, read


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
    """One for each of the paper's, from the trace files of a folder. Raises TraceError."""
    seen = [Seen() for _ in PAPER]
    by_stage = {row.stage: found for row, found in zip(PAPER[:3], seen, strict=False)}
    for runs in read(folder).values():
        for run in runs:
            if run.stage in by_stage and run.calls:
                _add(by_stage[run.stage], run)
                if run.stage == PAPER[3].stage:
                    _add_tokens(seen[3], run)
    return [found.row(row.stage, row.quantum) for row, found in zip(PAPER, seen, strict=True)]


def _add(seen: Seen, run: Run) -> None:
    """An output's time counts from the one before it, the first's from the request; its words are those written by
    then. The last is there with the last word.
    """
    (call,) = run.calls
    made = [output for output in run.outputs if output.kind == "item"]
    depth = min(len(output.path) for output in made)
    items = [output.at for output in made if len(output.path) == depth]
    ends = [*items[:-1], call.chunks[-1]]
    written = list(zip(call.chunks, accumulate(call.words), strict=True))
    counts = [max((words for at, words in written if at <= end), default=0) for end in ends]
    seen.requests += 1
    seen.outputs.append(len(ends))
    seen.words += [after - before for before, after in pairwise([0, *counts])]
    seen.ms += [1000 * (after - before) for before, after in pairwise([call.submitted, *ends])]


def _add_tokens(seen: Seen, run: Run) -> None:
    """A query's tokens are as many as its last one, or its count, says; their times are those of the engine's words."""
    (call,) = run.calls
    seen.requests += 1
    below = [one for one in run.outputs if len(one.path) > len(run.path)]
    seen.outputs += [one.path[-1] + 1 for one in below if one.kind == "last"]
    seen.outputs += [one.size for one in below if one.kind == "count"]
    for words, (before, after) in zip(call.words, pairwise([call.submitted, *call.chunks]), strict=True):
        seen.words += [1] * words
        seen.ms += [1000 * (after - before) / words] * words


def _spread(values: Sequence[float]) -> tuple[float, float]:
    return (round(fmean(values), 1), round(pstdev(values), 1)) if values else (0.0, 0.0)
