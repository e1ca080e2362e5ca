"""Worker processes on a real broker, stopped by process id, and what they wrote down."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Deed:
    """One line of a worker: see worker.py for the kinds. `at` is in seconds of the machine's monotonic clock."""

    kind: str
    partition: int
    offset: int
    attempt: int
    at: float


class Worker:
    """One process. Its deeds stay readable after its death."""

    def __init__(self, folder: Path, number: int, arguments: list[str]) -> None:
        self.number = number
        self._out, self._log = folder / f"worker-{number}.out", folder / f"worker-{number}.log"
        self._read, self._deeds, self.errors = 0, list[Deed](), list[str]()
        argv = [sys.executable, "-m", "tests.transport.worker", "--datadir", str(folder / "faust"), *arguments]
        with self._out.open("wb") as out, self._log.open("wb") as log:
            self.process = subprocess.Popen(argv, stdout=out, stderr=log, cwd=ROOT)

    def deeds(self, *kinds: str) -> list[Deed]:
        """What it did so far, in order; of these kinds, or all."""
        with self._out.open("rb") as out:
            out.seek(self._read)
            whole = out.read()
        whole = whole[: whole.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.decode().splitlines():
            kind, rest = line.split(" ", 1)
            if kind == "E":
                self.errors.append(rest)
            else:
                partition, offset, attempt, at = rest.split()
                self._deeds.append(Deed(kind, int(partition), int(offset), int(attempt), float(at)))
        return [deed for deed in self._deeds if not kinds or deed.kind in kinds]

    def wait_assigned(self) -> None:
        wait_until(lambda: bool(self.deeds("S")), f"worker {self.number} has partitions", [self])

    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> float:
        """SIGKILL; returns when, on the clock of its deeds."""
        at = time.monotonic()
        self.process.kill()
        self.process.wait()
        return at

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that does not help."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()

    def story(self) -> str:
        self.deeds()
        return f"worker {self.number}: {self.errors} {self._log.read_text(errors='replace')[-3000:]}"


class Crew:
    """The workers of one group on one topic."""

    def __init__(self, url: str, group: str, topic: str, folder: Path) -> None:
        self._common = ["--url", url, "--group", group, "--topic", topic]
        self._folder = folder
        self.workers: list[Worker] = []

    def start(self, **options: object) -> Worker:
        """A new worker with options of worker.py: `start(order="random", slow=0.001)`."""
        given = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        self.workers.append(Worker(self._folder, len(self.workers), [*self._common, *given]))
        return self.workers[-1]

    def deeds(self, *kinds: str) -> list[Deed]:
        return [deed for worker in self.workers for deed in worker.deeds(*kinds)]

    def finished(self) -> set[tuple[int, int]]:
        """Partition and offset of every record that some worker was done with."""
        return {(deed.partition, deed.offset) for deed in self.deeds("A")}

    def wait_finished(self, records: set[tuple[int, int]], quiet_s: float = 15) -> None:
        """Fails with the records that are missing once no worker has finished any for so long."""
        missing, changed_at = records, time.monotonic()
        while missing:
            before, missing = len(missing), records - self.finished()
            if len(missing) < before:
                changed_at = time.monotonic()
            assert time.monotonic() < changed_at + quiet_s, (
                f"{len(missing)} of {len(records)} records were lost: {sorted(missing)[:10]}..."
                f"\n{self.workers[-1].story()}"
            )
            time.sleep(0.1)


@contextmanager
def crew(url: str, group: str, topic: str, folder: Path) -> Iterator[Crew]:
    """Workers that are stopped at the end, whatever happens."""
    (folder / "faust").mkdir(parents=True, exist_ok=True)
    hired = Crew(url, group, topic, folder)
    try:
        yield hired
    finally:
        for worker in hired.workers:
            if worker.alive():
                worker.stop()


def wait_until(holds: Callable[[], bool], what: str, workers: list[Worker], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not holds():
        stories = "\n".join(worker.story() for worker in workers)
        assert all(worker.alive() for worker in workers), f"a worker ended before {what}:\n{stories}"
        assert time.monotonic() < until, f"not within {seconds} s: {what}\n{stories}"
        time.sleep(0.02)
