"""Labelled queries and corpora from JSON lines, plain or gzipped."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.retrieval.corpus import Corpus, Passage, build_corpus, open_corpus


@dataclass(frozen=True, slots=True)
class LabelledQuery:
    text: str
    relevant: frozenset[str]


@dataclass(frozen=True, slots=True)
class LabelledCorpus:
    """A corpus and the name by which queries call each passage; several passages may share one."""

    corpus: Corpus
    names: list[str]


def read_queries(path: Path) -> list[LabelledQuery]:
    """Rows with `query` and `relevant` {title: gain}, or with `question` and `passage` (an id)."""
    return [
        LabelledQuery(row["query"], frozenset(row["relevant"]))
        if "query" in row
        else LabelledQuery(row["question"], frozenset([row["passage"]]))
        for row in _rows(path)
    ]


def demo_corpus() -> LabelledCorpus:
    corpus = open_corpus()
    return LabelledCorpus(corpus, [passage.title for passage in corpus])


def read_corpus(path: Path, home: Path) -> LabelledCorpus:
    """Rows with `id`, `title` and `text`, called by their id."""
    rows = list(_rows(path))
    key = f"corpus-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    passages = (Passage(row["title"].replace("_", " "), row["text"]) for row in rows)
    return LabelledCorpus(build_corpus(passages, key, home), [row["id"] for row in rows])


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        yield from map(json.loads, lines)
