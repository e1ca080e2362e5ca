"""Figure 3 and table 1 small, on real stacks: results have their shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest


def test_figure3(benchmark: Callable[..., None], tmp_path: Path) -> None:
    output = tmp_path / "figure3.json"
    size = ("--shape", "sentences", "--loads", "2", "--seconds", "4", "--rounds", "1", "--virtual-seconds", "20")
    benchmark("perf.figure3", *size, "--output", str(output))
    result = json.loads(output.read_text())
    assert result["language_model"] == "emulated"
    [curves] = result["shapes"]["sentences"]["rounds"]
    for mode in ("streaming", "whole"):
        [point] = curves[mode]
        assert point["engine"] == "emulated"
        assert point["errors"] == {}
        assert point["waits"]["outcome"]["of"] == point["questions"] > 0
        assert point["processor"]["ms_per_question"] > 0
    for kind in ("measured", "engines_alone"):
        assert result["ratios"]["sentences"][kind]["outcome_p99_at_low_load"]["median"] > 0
    assert "emulated" in (tmp_path / "figure3-sentences.svg").read_text()


def test_table1(benchmark: Callable[..., None], tmp_path: Path) -> None:
    output = tmp_path / "table1.json"
    benchmark("perf.table1", "--load", "3", "--seconds", "4", "--output", str(output))
    result = json.loads(output.read_text())
    answer, claims, queries, tokens = result["stages"]
    assert answer["requests"] == claims["requests"] > 0
    assert answer["outputs"] == [1, 0]
    made = claims["outputs"][0] * claims["requests"]  # a mean that is rounded to tenths
    assert queries["requests"] == tokens["requests"] == pytest.approx(made, abs=0.05 * claims["requests"] + 0.01)
    assert all(row["ms"][0] > 0 for row in result["stages"])
    assert set(result["ratios"]) == {"response", "claim", "search query", "search query token"}
