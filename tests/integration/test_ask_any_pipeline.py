"""A pipeline that is not FacTool, as a user runs it: up from its pipeline.yaml and deployment.yaml, asked, down."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
GRAPH = ROOT / "examples/pipelines/rag.yaml"
QUESTION = "Where does the river Danube begin and end?"

Alto = Callable[..., str]
pytestmark = pytest.mark.timeout(300)


STAGES = ("retrieve", "write", "candidates", "supports", "enough", "cite", "coordinator")


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the counts."""
    return tmp_path_factory.mktemp("deployment") / "deployment.yaml"


@pytest.fixture(scope="module")
def alto(tmp_path_factory: pytest.TempPathFactory, deployment: Path) -> Iterator[Alto]:
    env = {k: v for k, v in os.environ.items() if k not in ("ALTO_PIPELINE", "ALTO_BROKERS", "ALTO_INSTANCES")}
    env |= {"ALTO_HOME": str(tmp_path_factory.mktemp("stack")), "ALTO_ENGINE_URL": "emulated:", "PYTHONPATH": str(ROOT)}

    def run(*arguments: str, code: int = 0) -> str:
        command = (sys.executable, "-m", "alto_streams.cli.main", *arguments)
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=200)
        assert done.returncode == code, f"alto {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    try:
        file = tmp_path_factory.mktemp("files") / "rag.yaml"
        file.write_bytes(GRAPH.read_bytes())
        deployment.write_text("stages: {cite: 2}\n")
        run("up", "--pipeline", str(file), "--deployment", str(deployment))
        file.unlink()  # the stack keeps to what it started with
        yield run
    finally:
        run("down", "--clean")


def test_its_items_and_its_outcome_are_events(alto: Alto) -> None:
    events = [json.loads(line) for line in alto("ask", "--json", QUESTION).splitlines()]
    *items, outcome = events
    assert (outcome["type"], outcome["status"], outcome["failure"]) == ("outcome", "complete", None)
    cited = {item["id"]: item["value"] for item in items if item["type"] == "citation"}
    written = {item["id"]: item["value"] for item in items if item["type"] == "sentence"}
    assert written
    assert cited
    assert all(cited[id]["text"] == written[id]["text"] for id in cited.keys() & written.keys())
    lines = outcome["value"]["lines"]
    assert lines
    # The outcome may overtake the last citation on its way; what came is in it.
    assert {f"{one['text']} [{', '.join(one['titles']) or 'no source'}]" for one in cited.values()} <= set(lines)


def test_it_is_shown_line_by_line(alto: Alto) -> None:
    first, *items, last = alto("ask", QUESTION).splitlines()
    assert first == f"question   {QUESTION}"
    assert {"sentence", "outcome"} <= {line.split(" ")[0] for line in items}
    assert last.startswith("complete: ")


def test_a_refused_question_says_why(alto: Alto) -> None:
    (line,) = alto("ask", "--json", " ", code=1).splitlines()
    outcome = json.loads(line)
    assert (outcome["status"], outcome["failure"]["kind"]) == ("failed", "invalid_question")
    assert outcome["value"]["failure"].startswith("The question is empty.")


def test_the_running_pipeline_is_the_one_shown(alto: Alto) -> None:
    assert alto("pipeline", "show").startswith("rag ")
    assert "rag.stage.cite" in alto("topics")


def test_other_counts_are_a_change_of_the_deployment_alone(alto: Alto, deployment: Path) -> None:
    """The last test here: it stops the stack and starts it again."""
    assert workers(alto) == {**dict.fromkeys(STAGES, 1), "cite": 2}
    answered = lines(alto)
    alto("down")
    deployment.write_text("pools: {lm: 2}\nstages: {cite: 3, write: 1, coordinator: 2}\n")
    alto("up", "--pipeline", str(GRAPH), "--deployment", str(deployment))
    assert workers(alto) == {**dict.fromkeys(STAGES, 1), "supports": 2, "cite": 3, "coordinator": 2}
    assert answered
    assert lines(alto) == answered


def workers(alto: Alto) -> Counter[str]:
    """How many live processes work for each stage."""
    found: Counter[str] = Counter()
    for process in json.loads(alto("status", "--json"))["processes"]:
        if named := re.fullmatch(r"(\w+)-\d+", process["name"]):
            assert psutil.pid_exists(process["pid"])
            found[named[1]] += 1
    return found


def lines(alto: Alto) -> list[str]:
    """Of the outcome: the model is emulated, and says the same each time."""
    return list(json.loads(alto("ask", "--json", QUESTION).splitlines()[-1])["value"]["lines"])
