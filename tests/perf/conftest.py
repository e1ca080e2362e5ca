"""What `make perf` runs, run small to keep it working: `make perf-smoke`. Nothing of what it measures is asserted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
LIMIT_S = 250

Benchmark = Callable[..., None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.perf)
            item.add_marker(pytest.mark.timeout(LIMIT_S + 40))


@pytest.fixture(scope="session")
def benchmark() -> Benchmark:
    """Runs `python -m` with these arguments to its end."""

    def run(*arguments: str) -> None:
        process = subprocess.Popen([sys.executable, "-m", *arguments], stderr=subprocess.PIPE, text=True, cwd=ROOT)
        try:
            _, errors = process.communicate(timeout=LIMIT_S)
        finally:
            process.terminate()  # it stops what it started
            process.wait(30)
        assert process.returncode == 0, errors

    return run
