"""The workers of the plain Faust pipeline: processes that own their partitions, ended by their ids."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from alto_streams.errors import AltoError
from perf.peers.faust_plain import topics
from topics.provision import provision

ROOT = Path(__file__).parents[3]
STOP_LIMIT_S = 10.0
LAST_WORDS = 1500


class CrewError(AltoError):
    """A worker ended."""


@contextmanager
def crew(brokers: str, engine_url: str, instances: Mapping[str, int] | None = None) -> Iterator[dict[str, list[int]]]:
    """Fresh topics and workers, one a stage where `instances` says nothing: their process ids by stage.

    Enters when all own partitions. Raises CrewError, BrokerError.
    """
    counts = {stage: (instances or {}).get(stage, 1) for stage in topics.READ_BY}
    provision(brokers, topics.definitions(max(counts.values())))
    started: list[tuple[str, subprocess.Popen[bytes], Path]] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for stage, count in counts.items():
                for number in range(count):
                    log = Path(folder) / f"{stage}-{number}.log"
                    started.append((stage, _start(stage, brokers, engine_url, log), log))
            pids: dict[str, list[int]] = {}
            for stage, process, log in started:
                assert process.stdout is not None
                if process.stdout.readline() != b"owned\n":
                    words = log.read_text(errors="replace").strip()[-LAST_WORDS:]
                    raise CrewError(f"The worker '{stage}' ended: {words}", "start it by hand")
                pids.setdefault(stage, []).append(process.pid)
            yield pids
        finally:
            _stop([process for _, process, _ in started])


def _start(stage: str, brokers: str, engine_url: str, log: Path) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "perf.peers.faust_plain", stage, brokers, "--engine", engine_url]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with log.open("wb") as errors:
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT, env=environment)


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
