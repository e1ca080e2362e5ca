"""Nothing grows with the questions served: some thousand of the million that `python -m perf.memory` asks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from alto_streams.groups import GroupTable
from alto_streams.offsets import OffsetLedger
from perf.memory import endless
from perf.memory.endless import Endlessly
from perf.memory.pipeline import make

ROOT = Path(__file__).parents[2]


def sizes(monkeypatch: pytest.MonkeyPatch, crash_every: int = 0) -> list[dict[str, int]]:
    """What is held after 600, 900 and 1,500 questions; two hundred are remembered."""
    monkeypatch.setattr(endless, "DEADLINE_MS", 1000)
    monkeypatch.setattr("alto_streams.coordinator.REMEMBER_MS", 1000)
    running, found = Endlessly(make().plan, 20, crash_every), []
    for questions in (600, 900, 1500):
        running.run(questions)
        found.append(running.held())
    running.end()
    assert running.memory.concluded == 1500
    assert running.memory.failed == 0
    assert not {what: left for what, left in running.held().items() if left and what not in ("closed keys", "records")}
    return found


@pytest.mark.parametrize("crash_every", [0, 250])
def test_nothing_grows_with_the_questions(crash_every: int, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _, last = sizes(monkeypatch, crash_every)
    for what in ("groups", "closed keys", "unacknowledged", "records"):
        assert 0 < last[what] < 1.5 * first[what] + 50, (what, first, last)


def test_closed_keys_that_are_never_forgotten_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GroupTable, "expired", lambda self, now: iter(()))
    first, _, last = sizes(monkeypatch)
    assert last["closed keys"] > 2 * first["closed keys"]


def test_a_record_that_is_never_acknowledged_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    acknowledge = OffsetLedger.acknowledge
    monkeypatch.setattr(OffsetLedger, "acknowledge", lambda self, offset: offset % 100 and acknowledge(self, offset))
    with pytest.raises(AssertionError):
        sizes(monkeypatch)


def test_the_result_says_what_grew_and_how_it_was_measured(tmp_path: Path) -> None:
    output = tmp_path / "memory.json"
    options = ["--questions", "300", "--samples", "3", "--warm-up", "0", "--output", str(output)]
    subprocess.run([sys.executable, "-m", "perf.memory", *options], check=True, cwd=ROOT, capture_output=True)
    result = json.loads(output.read_text())
    assert result["questions"] == {"asked": 300, "ended": 300, "failed": 0}
    assert {"command", "date", "machine", "versions", "resident_kb", "objects"} < set(result)
    assert [one["questions"] for one in result["samples"]] == [100, 200, 300]
