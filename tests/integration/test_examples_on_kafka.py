"""The example pipelines as a user runs them on Kafka, with the embedded model: poor answers, well-formed outcomes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from alto_streams.pipeline import load
from ops.kafka.embedded import EmbeddedKafka

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(300)

# What each outcome's lines look like whatever the model says: at least so many, each of this form.
FORMS = {
    "rag": (1, r".+ \[.+\]"),
    "best_of_n": (0, r"-?[\d.]+"),
    "writer": (1, r".+"),
    "three_streams": (2, r"(kettle: .*; 25 at Bob|toaster: .*; sold out); 0\.\d\d"),
    "multi_hop": (0, r".+"),
    "peers": (0, r".+\. [01]\.\d\d"),
}


@pytest.mark.parametrize("name", FORMS)
def test_an_example_streams_to_its_outcome(name: str, kafka: EmbeddedKafka, engine_url: str, tmp_path: Path) -> None:
    env = {
        **os.environ,
        "ALTO_BROKERS": kafka.bootstrap,
        "ALTO_ENGINE_URL": engine_url,
        "ALTO_HOME": str(tmp_path),
        "ALTO_DEADLINE_MS": "240000",
        "NO_COLOR": "1",
    }
    command = [sys.executable, "-m", f"examples.pipelines.{name}", "--kafka"]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    before, _, outcome = done.stdout.partition("outcome:\n")
    seen = re.findall(r"^ *[\d.]+ s  (\w+)[\d. ]*: ", before, re.MULTILINE)
    pipeline = load(f"examples.pipelines.{name}:pipeline")
    assert set(seen) <= {*(type for _, type in pipeline.published), pipeline.result_type}
    least, form = FORMS[name]
    lines = [line.removeprefix("  ") for line in outcome.splitlines() if line != "  nothing was found"]
    assert len(lines) >= least
    assert all(re.fullmatch(form, line) for line in lines), lines
    assert list(tmp_path.iterdir()) == [tmp_path / "examples"]
    assert not list((tmp_path / "examples").iterdir()), "the stack left something"
    assert not [p for p in psutil.process_iter() if _works_in(p, tmp_path)], "a process was left"


def _works_in(process: psutil.Process, home: Path) -> bool:
    try:
        return str(home) in " ".join(process.environ().values())
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return False
