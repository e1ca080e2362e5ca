"""Fixtures of the tests that run real parts: here, embedded engines as processes, stopped by their process ids."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

EMBEDDED = (sys.executable, "-m", "alto_streams.engines.embedded")
ROOT = Path(__file__).parents[2]

EmbeddedEngine = Callable[..., AbstractContextManager[str]]
RunEngine = Callable[..., subprocess.CompletedProcess[str]]


@contextmanager
def _embedded_engine(*arguments: str) -> Iterator[str]:
    command = [*EMBEDDED, "--threads", "1", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"the engine ended with status {process.wait()} before it was ready"
        yield json.loads(line)["url"]
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def embedded_engine() -> EmbeddedEngine:
    """`with embedded_engine(*arguments) as url` runs an engine with the default model."""
    return _embedded_engine


@pytest.fixture(scope="session")
def engine_url() -> Iterator[str]:
    """The URL of a real embedded engine with the default model and four slots, shared by the whole session."""
    with _embedded_engine("--slots", "4", "--context", "1024") as url:
        yield url


@pytest.fixture(scope="session")
def run_engine() -> RunEngine:
    """Runs an engine that is expected to end by itself."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*EMBEDDED, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, **environment},
            cwd=ROOT,
        )

    return run
