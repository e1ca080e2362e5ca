"""The diff in docs/write-a-stage.md, applied to a copy of FacTool, translates the claims and changes nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ADDED = re.compile(r"<!-- the whole diff -->\n```diff\n(.*?)```", re.DOTALL)
GERMAN, ENGLISH = "Mogadischu ist die Hauptstadt von Somalia.", "Mogadishu is the capital of Somalia."
ASK = f"""
import json
from alto_streams.pipeline import load
from alto_streams.testing import run
from examples.pipelines.scripted import Scripted
from schemas.outcome_pb2 import Outcome
from schemas.question_pb2 import Question

SAID = {{"translate_claim": {ENGLISH!r}, "generate_queries": "capital of Somalia\\n"}}
pipeline = load("stages.graph:pipeline")
pool = Scripted(lambda name, asked, seed: SAID.get(name, {GERMAN!r}), lambda name, asked: -1.0)
result = run(pipeline, {{"q": Question(text="Was ist Mogadischu?")}}, pool=pool)
print(json.dumps({{
    "stages": [stage.name for stage in pipeline.plan.stages],
    "complete": result.outcomes["q"].status == Outcome.COMPLETE,
    "sentences": [item.value.text for item in result.progress["q"] if item.type == "sentence"],
    "claims": [claim.claim for claim in result.outcomes["q"].claims],
    "evidence": [one.title for claim in result.outcomes["q"].claims for one in claim.evidence],
}}))
"""


def answered(folder: Path) -> dict[str, Any]:
    """What comes of the question with the stages of `folder`, and everything else from here."""
    env = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, "-c", ASK], env=env, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "stages", tmp_path / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_diff_adds_a_stage(copied: Path) -> None:
    (diff,) = ADDED.findall((ROOT / "docs/write-a-stage.md").read_text())
    before = answered(copied)
    applied = subprocess.run(["git", "apply"], input=diff, cwd=copied, capture_output=True, text=True)
    assert applied.returncode == 0, f"{applied.stderr} Mend: make the diff anew, as git diff prints it"
    after = answered(copied)
    assert (before["complete"], after["complete"]) == (True, True)
    assert set(after["stages"]) - set(before["stages"]) == {"translate_claim"}
    assert before["sentences"] == after["sentences"] == before["claims"] == [GERMAN]
    assert after["claims"] == [ENGLISH]
    assert "Mogadishu" in after["evidence"]


def test_the_diff_is_one_file_and_one_line_in_the_graph() -> None:
    (diff,) = ADDED.findall((ROOT / "docs/write-a-stage.md").read_text())
    files = dict(re.findall(r"^\+\+\+ b/(\S+)\n(.*?)(?=^diff|\Z)", diff, re.MULTILINE | re.DOTALL))
    assert set(files) == {"stages/graph.py", "stages/translate_claim.py"}
    changed = [line for line in files["stages/graph.py"].splitlines() if line[:1] in ("+", "-")]
    assert [line for line in changed if not line.startswith("+from ")] == [
        '+claims = claims.map(translate_claim, uses="lm", prompt=TRANSLATE_PROMPT)'
    ]
