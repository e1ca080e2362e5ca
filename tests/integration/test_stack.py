"""The whole thing as a user runs it: alto up, ask in every way, kill a worker, alto down; with the real models."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parents[2]
ALTO = Path(sys.executable).with_name("alto")


class Stack:
    """A stack in a home of its own, driven by the command line."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = {**os.environ, "ALTO_HOME": str(home), "NO_COLOR": "1", "COLUMNS": "120"}

    def alto(self, *arguments: str, code: int = 0, stdin: str | None = None) -> str:
        """What the command prints; its errors too, where it is expected to fail."""
        done = subprocess.run(
            [str(ALTO), *arguments], env=self.env, cwd=ROOT, capture_output=True, text=True, timeout=280, input=stdin
        )
        assert done.returncode == code, f"alto {' '.join(arguments)}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout + (done.stderr if code else "")

    def events(self, *arguments: str, stdin: str | None = None) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.alto("ask", "--json", *arguments, stdin=stdin).splitlines()]

    def status(self) -> dict[str, Any]:
        return dict(json.loads(self.alto("status", "--json")))

    def pid(self, process: str) -> int:
        return next(int(p["pid"]) for p in self.status()["processes"] if p["name"] == process)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("stack"))
    try:
        running.alto("up")
        yield running
    finally:
        pids = [int(p["pid"]) for p in running.status()["processes"]]
        running.alto("down", "--clean")
        assert not running.home.exists() or not list(running.home.iterdir()), "alto down --clean left something"
        assert not [pid for pid in pids if psutil.pid_exists(pid) and _is_ours(pid)]


def _is_ours(pid: int) -> bool:
    try:
        return "alto_streams" in " ".join(psutil.Process(pid).cmdline())
    except psutil.NoSuchProcess:
        return False


pytestmark = pytest.mark.timeout(300)


def test_a_question_streams_to_its_outcome(stack: Stack) -> None:
    events = stack.events("What is the capital of France?")
    *before, outcome = events
    assert {event["question_id"] for event in events} == {outcome["question_id"]}
    assert outcome["type"] == "outcome"
    assert outcome["status"] == "complete"
    assert {"sentence", "claim", "verified_claim"} <= {event["type"] for event in before}
    verified = [event for event in before if event["type"] == "verified_claim"]
    assert {claim["claim_id"] for claim in outcome["claims"]} <= {event["claim_id"] for event in verified}
    for event in verified:
        assert event["claim"]
        assert event["verdict"] in ("supported", "refuted", "not_enough_evidence")
        assert 0 <= event["score"] <= 1
        assert all(piece["title"] and piece["text"] for piece in event["evidence"])
    first = [event["type"] for event in events].index
    assert first("sentence") < first("outcome")
    assert any(piece["title"] == "Paris" for event in verified for piece in event["evidence"])


def test_many_questions_from_standard_input(stack: Stack) -> None:
    events = stack.events("-", stdin="Who wrote Hamlet?\nWhat is basalt?\n")
    outcomes = [event for event in events if event["type"] == "outcome"]
    assert [event["status"] for event in outcomes] == ["complete", "complete"]


def test_an_empty_question_gets_a_typed_error(stack: Stack) -> None:
    printed = stack.alto("ask", "--json", "  ", code=1)
    outcome = json.loads(printed.splitlines()[-1])
    assert outcome["status"] == "failed"
    assert outcome["failure"]["kind"] == "invalid_question"


def test_a_plain_kafka_client(stack: Stack) -> None:
    brokers = stack.status()["brokers"]
    done = subprocess.run(
        [sys.executable, "examples/plain_kafka.py", brokers, "What is the capital of France?"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert "COMPLETE: " in done.stdout


@pytest.mark.parametrize("process", ["engine", "extract_claims-0", "coordinator-0"])
def test_a_killed_process_comes_back_and_the_question_ends(stack: Stack, process: str) -> None:
    asked = subprocess.Popen(
        [str(ALTO), "ask", "--json", "Who painted the Mona Lisa?"],
        env=stack.env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert asked.stdout is not None
        assert json.loads(asked.stdout.readline())["type"] == "sentence"
        os.kill(stack.pid(process), signal.SIGKILL)
        rest, _ = asked.communicate(timeout=200)
        outcome = json.loads(rest.splitlines()[-1])
        assert (outcome["type"], outcome["status"]) == ("outcome", "complete")
        assert outcome["claims"]
    finally:
        if asked.poll() is None:
            asked.kill()
            asked.wait()


def test_topics_and_pipeline_are_shown(stack: Stack) -> None:
    topics = stack.alto("topics")
    assert "factool.verified-claims" in topics
    shown = stack.alto("pipeline", "show")
    assert all(name in shown for name in ("answer", "extract_claims", "bm25", "rerank", "appraise", "coordinator"))
    assert "flowchart" in stack.alto("pipeline", "show", "-f", "mermaid")


def test_without_a_stack_the_mend_is_named(tmp_path: Path) -> None:
    assert "alto up" in Stack(tmp_path).alto("ask", "x", code=1)
