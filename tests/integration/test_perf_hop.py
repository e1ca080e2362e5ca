"""The hop benchmark run tiny on a real broker: its result has the promised shape. No timing is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ops.kafka.embedded import EmbeddedKafka
from perf.hop.processes import HopError, echoing
from perf.hop.topics import fresh_hop

ROOT = Path(__file__).parents[2]
RATIOS = ("cpu_vs_faust", "throughput_vs_faust", "p50_vs_raw", "p99_vs_raw")
FIGURES = {"records", "messages_per_s", "messages_per_cpu_s", "p50_ms", "p99_ms", "cpu_percent"}


def run(kafka: EmbeddedKafka, output: Path, *arguments: str) -> dict[str, Any]:
    argv = [sys.executable, "-m", "perf.hop", "--brokers", kafka.bootstrap, "--output", str(output), *arguments]
    process = subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=ROOT)
    try:
        _, errors = process.communicate(timeout=100)
    finally:
        process.terminate()  # it stops what it started
        process.wait(15)
    assert process.returncode == 0, errors
    return dict(json.loads(output.read_text()))


def test_all_peers_and_ratios(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    result = run(kafka, tmp_path / "hop.json", "--rounds", "1", "--records", "300", "--seconds", "1")
    for name in RATIOS:
        assert set(result[name]) == {"median", "min", "q1", "q3", "max", "rounds", "bar", "met"}
        assert 0 < result[name]["min"] <= result[name]["median"] <= result[name]["max"]
    assert set(result["peers"]) == {"raw", "faust", "alto"}
    for figures in result["peers"].values():
        assert set(figures) == FIGURES
    [one] = result["rounds"]
    assert result["p50_vs_raw"]["rounds"] == [pytest.approx(one["alto"]["p50_ms"] / one["raw"]["p50_ms"], rel=1e-3)]
    assert result["machine"]["cpus"]
    assert result["versions"]["faust-streaming"]


def test_start_up(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    result = run(kafka, tmp_path / "start.json", "--start-up", "--rounds", "1", "--peers", "alto")
    [one] = result["rounds"]
    assert set(one) == {"alto"}
    assert 0 < one["alto"]["owned_s"] < one["alto"]["first_record_s"]
    assert 0 < one["alto"]["pss_mb"] <= one["alto"]["rss_mb"]


def test_an_echo_that_cannot_start_says_so(kafka: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perf.hop.processes.command", lambda *_: [sys.executable, "-c", "raise SystemExit('no luck')"])
    with (
        fresh_hop(kafka.bootstrap) as hop,
        pytest.raises(HopError, match="no luck"),
        echoing("raw", kafka.bootstrap, hop.inbox, hop.outbox),
    ):
        pass
