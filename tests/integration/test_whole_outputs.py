"""The same questions in both modes: stages that wait for whole outputs come to the verdicts that streaming gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
QUESTIONS = ("Who wrote The Old Man and the Sea?", "Where does the river Danube begin and end?")

pytestmark = pytest.mark.timeout(300)


def ask(home: Path, streaming: str) -> list[list[dict[str, Any]]]:
    """The events of each question, of a stack that is there for them alone. The language model is emulated."""
    env = {k: v for k, v in os.environ.items() if k not in ("ALTO_PIPELINE", "ALTO_BROKERS")}
    env |= {"ALTO_HOME": str(home), "ALTO_ENGINE_URL": "emulated:", "ALTO_STREAMING": streaming}

    def alto(*arguments: str) -> str:
        command = (sys.executable, "-m", "alto_streams.cli.main", *arguments)
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, f"alto {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    try:
        alto("up")
        return [[json.loads(line) for line in alto("ask", "--json", asked).splitlines()] for asked in QUESTIONS]
    finally:
        alto("down", "--clean")


def verdicts(events: list[dict[str, Any]]) -> list[Any]:
    """Of the outcome: each claim with its verdict, score and evidence. Ids name the runs, which are others."""
    assert events[-1]["type"] == "outcome"
    assert events[-1]["status"] == "complete"
    return [{name: value for name, value in claim.items() if name != "claim_id"} for claim in events[-1]["claims"]]


def test_verdicts_are_equal_in_both_modes_emulated(tmp_path: Path) -> None:
    streamed, whole = ask(tmp_path / "streamed", "1"), ask(tmp_path / "whole", "0")
    assert [verdicts(events) for events in streamed] == [verdicts(events) for events in whole]
    assert all(verdicts(events) for events in whole)
    for events in whole:  # the whole answer first: an asker's events come in the order of their records
        types = [event["type"] for event in events if event["type"] in ("sentence", "claim")]
        assert types == sorted(types, reverse=True)
