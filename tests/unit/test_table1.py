"""Table 1 from trace files: what is counted as an output, its words and its time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perf.table1.__main__ import ratios
from perf.table1.rows import rows

S = 1_000_000_000
MS = 1000  # microseconds


def line(stage: str, path: list[int], begun: int, outputs: list[Any], chunks: list[Any]) -> dict[str, Any]:
    """A run that begins `begun` seconds after time began, and asks its engine 100 ms later."""
    at = begun * S
    call = {"prompt": stage, "model": "emulated", "submitted": at + S // 10, "ended": at + 5 * S, "chunks": chunks}
    told = {
        "question": "q",
        "stage": stage,
        "instance": "0",
        "kind": "expand",
        "path": path,
        "from": "x",
        "read": "item",
    }
    times = {"sent": at, "received": at, "begun": at, "ended": at + 6 * S}
    return {**told, "read_path": path, **times, "outputs": outputs, "engine": [call] if chunks else []}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [
        line("coordinator", [], 0, [], []),
        line("answer", [], 1, [[900 * MS, "item", [], 70, ["extract_claims"]]], [[300 * MS, 1], [700 * MS, 4]]),
        # Two claims, of 2 words after 400 ms and of 3 words 200 ms later; the second leaves when the engine has ended.
        line(
            "extract_claims",
            [],
            2,
            [[500 * MS, "item", [0], 9, ["x"]], [720 * MS, "item", [1], 9, ["x"]], [730 * MS, "count", [], 2, ["x"]]],
            [[300 * MS, 1], [400 * MS, 1], [600 * MS, 3]],
        ),
        # One query of two words, and one of three: a count, or the last word, says how many.
        line(
            "generate_queries",
            [0],
            3,
            [
                [200 * MS, "item", [0, 0], 5, ["bm25"]],
                [300 * MS, "item", [0, 1], 5, ["bm25"]],
                [301 * MS, "item", [0], 9, ["encode_query"]],
                [302 * MS, "count", [0], 2, ["bm25"]],
                [410 * MS, "item", [1, 0], 5, ["bm25"]],
                [420 * MS, "item", [1, 1], 5, ["bm25"]],
                [430 * MS, "last", [1, 2], 5, ["bm25"]],
                [431 * MS, "item", [1], 9, ["encode_query"]],
                [433 * MS, "count", [], 2, ["appraise"]],
            ],
            [[100 * MS, 1], [190 * MS, 1], [400 * MS, 3]],
        ),
    ]
    (tmp_path / "all.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    return tmp_path


def test_outputs_words_and_times(folder: Path) -> None:
    answer, claims, queries, tokens = rows(folder)
    assert (answer.requests, answer.outputs, answer.words, answer.ms) == (1, (1, 0), (5, 0), (700, 0))
    assert (claims.requests, claims.outputs, claims.words, claims.ms) == (1, (2, 0), (2.5, 0.5), (300, 100))
    assert (queries.requests, queries.outputs, queries.words) == (1, (2, 0), (2.5, 0.5))
    assert (tokens.requests, tokens.outputs, tokens.words) == (1, (2.5, 0.5), (1, 0))
    assert tokens.ms == (80, pytest.approx(12.6, abs=0.1))


def test_ratios_are_to_the_papers_means(folder: Path) -> None:
    found = ratios(rows(folder))
    assert found["response"]["words"] == 0.08  # 5 of 62.5
    assert found["claim"]["ms"] == 0.743  # 300 of 403.6
