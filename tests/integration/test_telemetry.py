"""Nothing that the stages load reports to anybody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from alto_streams.settings import settings

ROOT = Path(__file__).parents[2]
OPEN = "from stages.retrieval.encoder import *; list(open_encoder().encode(['one']))"


def test_the_encoder_leaves_nothing_in_the_home(tmp_path: Path) -> None:
    kept = {"CI", "ORT_RUNNING_UNIT_TESTS", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME"}
    env = {name: value for name, value in os.environ.items() if name not in kept}
    env |= {"HOME": str(tmp_path), "ALTO_CACHE": str(settings().cache)}
    subprocess.run([sys.executable, "-c", OPEN], env=env, cwd=ROOT, check=True, timeout=100)
    assert list(tmp_path.rglob("*")) == []
