"""The workers of one group: processes stopped by their process ids, and what they wrote down."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

from alto_streams.errors import AltoError
from perf.rebalance.gaps import Processed
from perf.rebalance.protocols import url

ROOT = Path(__file__).parents[2]
LOOK_EVERY_S = 0.05
STEP_LIMIT_S = 30.0
STOP_LIMIT_S = 15.0
LAST_WORDS = 1500


class RebalanceError(AltoError):
    """A group did not come to rest, or a worker ended."""


class Worker:
    """One process. What it wrote stays readable after its death."""

    def __init__(self, number: int, broker_url: str, topic: str, folder: Path) -> None:
        self.number, self.records = number, list[Processed]()
        self.joined_at: float | None = None
        self._read = 0
        self._out, self._log = folder / f"worker-{number}.out", folder / f"worker-{number}.log"
        self._argv = [sys.executable, "-m", "perf.rebalance.worker", broker_url, topic]
        with self._out.open("wb") as out, self._log.open("wb") as log:
            environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
            self.process = subprocess.Popen(self._argv, stdout=out, stderr=log, cwd=ROOT, env=environment)

    def look(self) -> None:
        """Reads what is new of its lines."""
        with self._out.open("rb") as out:
            out.seek(self._read)
            new = out.read()
        new = new[: new.rfind(b"\n") + 1]
        self._read += len(new)
        for line in new.decode().splitlines():
            kind, *rest = line.split()
            if kind == "J":
                self.joined_at = self.joined_at or float(rest[0])
            elif kind == "P":
                partition, offset, attempt, sent, at = rest
                known = int(attempt) if attempt != "None" else -1
                self.records.append(Processed(int(partition), int(offset), known, float(sent), float(at), self.number))

    def joined(self) -> bool:
        """Whether it has begun to join the group."""
        self.look()
        return self.joined_at is not None

    def check(self) -> None:
        """Raises RebalanceError when it is over."""
        status = self.process.poll()
        if status is not None:
            raise RebalanceError(
                f"Worker {self.number} ended with status {status}: {self.last_words()}",
                "start it by hand: " + " ".join(self._argv[1:]),
            )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that does not help."""
        self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def last_words(self) -> str:
        return self._log.read_text(errors="replace").strip()[-LAST_WORDS:] or "it said nothing"


class Crew:
    """All workers that one group has had; `present` are those that should be alive."""

    def __init__(self, protocol: str, brokers: str, topic: str, folder: Path) -> None:
        self._url, self._topic, self._folder = url(protocol, brokers), topic, folder
        self.workers: list[Worker] = []
        self.present: list[Worker] = []

    def start(self) -> Worker:
        worker = Worker(len(self.workers), self._url, self._topic, self._folder)
        self.workers.append(worker)
        self.present.append(worker)
        return worker

    def dismiss(self, worker: Worker) -> None:
        """From now on it may end."""
        self.present.remove(worker)

    def records(self, since: float = 0.0) -> list[Processed]:
        """What was processed so far, or since then, in order of time."""
        found: list[Processed] = []
        for worker in self.workers:
            worker.look()
            found += takewhile(lambda record: record.at > since, reversed(worker.records))
        return sorted(found, key=lambda record: record.at)

    def wait(self, holds: Callable[[], bool], what: str, limit_s: float = STEP_LIMIT_S) -> None:
        """Raises RebalanceError when it does not hold in time, or a present worker ends."""
        until = time.monotonic() + limit_s
        while not holds():
            for worker in self.present:
                worker.check()
            if time.monotonic() > until:
                words = "; ".join(f"worker {worker.number}: {worker.last_words()[-300:]}" for worker in self.present)
                raise RebalanceError(f"Not within {limit_s:.0f} s: {what}. {words}", "see what the workers wait for")
            time.sleep(LOOK_EVERY_S)


@contextmanager
def crew(protocol: str, brokers: str, topic: str, folder: Path) -> Iterator[Crew]:
    """A group whose workers are killed at the end, whatever happens."""
    hired = Crew(protocol, brokers, topic, folder)
    try:
        yield hired
    finally:
        for worker in hired.workers:
            if worker.process.poll() is None:
                worker.kill()
