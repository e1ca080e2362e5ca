"""The sentences of a passage that answer a query best, short enough for a prompt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alto_streams.quanta import Sentences
from stages.retrieval.late_interaction import max_sim

Span = tuple[int, int]


def excerpt(text: str, similarities: NDArray[np.float32], spans: Sequence[Span], limit: int) -> str:
    """The run of whole sentences, at most `limit` characters, with the best MaxSim; the earlier one of equals.

    `spans` says which characters of `text` each column of `similarities` stands for; columns outside `text` have
    spans outside it or empty ones. A sentence longer than the limit is cut at a word.
    """
    if len(text) <= limit:
        return text
    starts, ends = np.array(spans, dtype=np.int64).reshape(-1, 2).T
    best, best_score = _cut(text, limit), -np.inf
    for start, end in _runs(_sentences(text), limit):
        inside = (starts >= start) & (ends <= end) & (ends > starts)
        if inside.any() and (score := max_sim(similarities[:, inside])) > best_score:
            best, best_score = _cut(text[start:end], limit), score
    return best


def _sentences(text: str) -> list[Span]:
    cutter = Sentences()
    spans, at = [], 0
    for sentence in [*cutter.feed(text), *cutter.end()]:
        start = text.index(sentence, at)
        at = start + len(sentence)
        spans.append((start, at))
    return spans


def _runs(sentences: Sequence[Span], limit: int) -> list[Span]:
    """From each sentence on, as many as fit; one at least."""
    runs = []
    for first, (start, end) in enumerate(sentences):
        for _, later in sentences[first + 1 :]:
            if later - start > limit:
                break
            end = later
        runs.append((start, end))
    return runs


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return text[: limit - 1].rsplit(" ", 1)[0].rstrip(",;: ") + "\u2026"
