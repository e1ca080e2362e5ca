"""The critical path, and what tracing costs, measured tiny on real stacks, and drawn: results have their shape."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_ratio_parts_and_picture(benchmark: Callable[..., None], tmp_path: Path) -> None:
    output, traces, picture = tmp_path / "critical_path.json", tmp_path / "traces", tmp_path / "trace.svg"
    benchmark("perf.critical_path", "--small", "--output", str(output), "--traces", str(traces))
    result = json.loads(output.read_text())
    assert result["engine"] == "emulated"
    ratio = result["latency_to_critical_path"]
    assert 1 < ratio["min"] <= ratio["median"] <= ratio["max"]
    assert ratio["bar"] == "<= 1.05"
    assert result["whole_outputs_client_latency_to_critical_path"]["median"] > 1
    assert len(result["questions"]) == 2
    for question in result["questions"]:
        assert 0 < question["critical_path_s"] <= question["with_retrieval_s"] < question["latency_s"]
        assert question["latency_s"] < question["client_s"]
    parts = {(row["stage"], row["what"]) for row in result["where"]}
    assert {("answer", "engine"), ("coordinator", "transport"), ("appraise", "waiting")} <= parts
    assert sum(row["share"] for row in result["where"]) == pytest.approx(1, abs=0.02)
    benchmark("perf.trace", str(traces / "streaming"), "--beside", str(traces / "whole"), "--out", str(picture))
    assert "<svg" in picture.read_text()


def test_what_tracing_costs(benchmark: Callable[..., None], tmp_path: Path) -> None:
    output = tmp_path / "tracing.json"
    benchmark("perf.trace.overhead", "--rounds", "1", "--questions", "1", "--output", str(output))
    result = json.loads(output.read_text())
    [spent] = result["rounds"]
    for mode in ("off", "files", "otlp"):
        assert 0 < spent[mode]["stages"] < spent[mode]["stack"]
    assert result["stack_files_vs_off"]["median"] > 0


def test_a_folder_without_traces_is_refused(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "perf.trace", str(tmp_path)], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert "holds no trace files. Mend:" in " ".join(done.stderr.split())
