"""Reads the folder that ALTO_TRACE named: what every stage did for each question. Times in seconds."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alto_streams.errors import AltoError
from alto_streams.plan import COORDINATOR

Position = tuple[int, ...]


class TraceError(AltoError):
    """A folder holds no such trace."""


@dataclass(frozen=True, slots=True)
class Output:
    """A record that left a run, at a moment, for some stages; `path` is that of its item."""

    at: float
    kind: str  # item, last, count, empty
    path: Position
    to: tuple[str, ...]
    size: int = 0  # bytes; of a count, the count


@dataclass(frozen=True, slots=True)
class Call:
    """One request to an engine, and when each piece of text was there."""

    prompt: str
    model: str
    submitted: float
    chunks: tuple[float, ...]
    ended: float
    words: tuple[int, ...] = ()  # of each chunk


@dataclass(frozen=True, slots=True)
class Input:
    """The record that began a run, or completed what it folds: who made it, and its way here."""

    stage: str
    kind: str
    path: Position
    sent: float
    received: float


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a stage's function; of the coordinator, the whole question."""

    question: str
    stage: str
    instance: str
    kind: str
    path: Position
    input: Input
    folds: int  # records that it was made of
    first: float  # when the first of them came
    admitted: float  # of the coordinator: when the question was sent to it
    begun: float
    ended: float
    outputs: tuple[Output, ...]
    calls: tuple[Call, ...]


def read(folder: Path) -> dict[str, list[Run]]:
    """The runs of every question that has ended, by question, in the order in which they began; those that failed or
    were cancelled are left out, and of one that was repeated the last counts. Raises TraceError.
    """
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise TraceError(
            f"{folder} holds no trace files.", f"run a stack with ALTO_TRACE={folder}, and ask it something"
        )
    latest: dict[str, dict[tuple[str, Position], Run]] = defaultdict(dict)
    for line in _lines(files):
        if "failure" not in line:
            run = _run(line)
            before = latest[run.question].get((run.stage, run.path))
            if before is None or before.ended <= run.ended:
                latest[run.question][run.stage, run.path] = run
    return {
        question: sorted(runs.values(), key=lambda run: run.begun)
        for question, runs in latest.items()
        if (COORDINATOR, ()) in runs
    }


def models(runs: Iterable[Run]) -> set[str]:
    """Which language models took part."""
    return {call.model for run in runs for call in run.calls}


def _lines(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for file in files:
        for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            try:
                yield json.loads(text)
            except ValueError:
                raise TraceError(f"Line {number} of {file} is no JSON.", "was the worker killed? Remove it") from None


def _run(line: Mapping[str, Any]) -> Run:
    begun, path, received = line["begun"], tuple(line["path"]), line["received"]
    sent, first, folds = line.get("fold", (line["sent"], received, 1))
    return Run(
        line["question"],
        line["stage"],
        line["instance"],
        line["kind"],
        path,
        Input(line["from"], line["read"], tuple(line["read_path"]), line["sent"] / 1e9, received / 1e9),
        folds,
        first / 1e9,
        sent / 1e9,
        begun / 1e9,
        line["ended"] / 1e9,
        tuple(
            Output((begun + 1000 * since) / 1e9, kind, (*path, *below), tuple(to), size)
            for since, kind, below, size, to in line["outputs"]
        ),
        tuple(
            Call(
                call["prompt"],
                call["model"],
                call["submitted"] / 1e9,
                tuple((call["submitted"] + 1000 * since) / 1e9 for since, _ in call["chunks"]),
                call["ended"] / 1e9,
                tuple(words for _, words in call["chunks"]),
            )
            for call in line.get("engine", ())
        ),
    )
