"""The rebalance benchmark run tiny on a real broker: its result has the promised shape. No timing is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ops.kafka.embedded import EmbeddedKafka
from perf.rebalance import crew, report, scenario

ROOT = Path(__file__).parents[2]


def test_both_protocols_and_their_ratios(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    output = tmp_path / "rebalance.json"
    arguments = ["--brokers", kafka.bootstrap, "--output", str(output), "--protocols", "classic,consumer"]
    argv = [sys.executable, "-m", "perf.rebalance", *arguments, "--rounds", "1", "--rest", "0.1"]
    process = subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=ROOT)
    try:
        _, errors = process.communicate(timeout=100)
    finally:
        process.terminate()  # it stops what it started
        process.wait(15)
    assert process.returncode == 0, errors
    result = json.loads(output.read_text())
    assert result["failed"] == []
    assert set(result["protocols"]) == {"classic", "consumer"}
    [one] = result["rounds"]
    shown = {name for rows in report.ROWS.values() for name in rows}
    for protocol, figures in result["protocols"].items():
        assert shown <= set(figures)
        assert all(set(spread) == {"median", "min", "q1", "q3", "max"} for spread in figures.values())
        assert one[protocol]["join_moved"] == one[protocol]["leave_moved"] == scenario.PARTITIONS / 2
        assert one[protocol]["failover_moved"] == (scenario.PARTITIONS + scenario.ADDED) / 2
        assert 0 < one[protocol]["added_first_s"] <= one[protocol]["added_all_s"]
        assert one[protocol]["not_fenced"] == one[protocol]["lost"] == 0
    ratio = result["ratios"]["consumer_vs_classic"]["failover_s"]["median"]
    assert ratio == pytest.approx(one["consumer"]["failover_s"] / one["classic"]["failover_s"], rel=1e-3)
    assert result["machine"]["cpus"]
    assert result["versions"]["librdkafka"]


def test_a_worker_that_cannot_start_says_so(
    kafka: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(crew, "url", lambda _protocol, brokers: f"nowhere://{brokers}")
    with pytest.raises(crew.RebalanceError, match="nowhere"):
        scenario.run("classic", kafka.bootstrap, 0.1, lambda _: None)
