"""The ceiling benchmark run small on real brokers: its result has the promised shape. No timing is asserted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from perf.ceiling.attribution import PARTS, shares
from perf.factool.questions import questions, spread_over


def test_both_stacks_and_the_ratios(benchmark: Callable[..., None], tmp_path: Path) -> None:
    output = tmp_path / "ceiling.json"
    benchmark("perf.ceiling", "--small", "--output", str(output))
    result = json.loads(output.read_text())
    for name in ("questions_per_s_vs_faust", "cpu_vs_faust"):
        assert 0 < result[name]["min"] <= result[name]["median"] <= result[name]["max"]
        assert {"bar", "met"} < set(result[name])
    [measured] = result["rounds"]
    for points in measured.values():
        for one in points:
            assert one["cpu_ms"] == pytest.approx(sum(one["cpu_ms_by_process"].values()))
            assert one["records"] > 100
    assert set(result["peers"]) == {"alto", "faust"}
    if result["split_ms"]:  # py-spy may look
        assert all(set(parts) == set(PARTS) for parts in result["split_ms"].values())
        assert "emulated language model" in output.with_suffix(".svg").read_text().lower()


def test_samples_are_shared_out_by_the_innermost_known_frame() -> None:
    folded = "put (alto_streams/runtime/outbox.py:2);sleep (asyncio/tasks.py:3) 3\nrun (asyncio/a.py:1) 1"
    assert shares(folded) == {"core": 0.75, "event loop": 0.25}
    assert shares("") == {}


def test_questions_of_a_file_are_spread_over_it(tmp_path: Path) -> None:
    file = tmp_path / "asked.jsonl"
    file.write_text("".join(json.dumps({"question": str(number)}) + "\n" for number in range(10)))
    assert spread_over(questions(file), 5) == ["0", "2", "4", "6", "8"]
    assert len(set(spread_over(questions(None), 7))) == 7
