"""The processes of the benchmark: an echo that owns its partition, a generator that ran to its end."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

import psutil

from alto_streams.errors import AltoError

ROOT = Path(__file__).parents[2]
OWNED_LIMIT_S = 60.0
GENERATOR_LIMIT_S = 600.0
LAST_WORDS = 1500

PEERS = ("raw", "faust", "alto")
_SCHEMES = {"faust": "kafka", "alto": "alto"}


class HopError(AltoError):
    """A process of the benchmark failed, or its records did."""


@dataclass(frozen=True, slots=True)
class Echo:
    """A running echo. `owned_s`: from exec until its partition was its own; `cpu_before_s`: spent until then."""

    peer: str
    process: psutil.Process
    owned_s: float
    cpu_before_s: float
    log: Path

    def cpu_s(self) -> float:
        """User and system time of all its threads since it owned its partition."""
        times = self.process.cpu_times()
        return float(times.user + times.system) - self.cpu_before_s

    def check(self) -> None:
        """Raises HopError when it is over."""
        if not self.process.is_running() or self.process.status() == psutil.STATUS_ZOMBIE:
            raise HopError(f"The echo '{self.peer}' ended: {_tail(self.log)}", "run `python -m perf.hop` again")


def command(peer: str, brokers: str, inbox: str, outbox: str, protocol: str) -> list[str]:
    """How the echo of `peer` is started. `protocol` is appended to the alto URL as its query."""
    if peer == "raw":
        return [sys.executable, "-m", "perf.hop.echo_raw", brokers, inbox, outbox]
    query = f"?{protocol}" if protocol and peer == "alto" else ""
    return [sys.executable, "-m", "perf.hop.echo_faust", f"{_SCHEMES[peer]}://{brokers}{query}", inbox, outbox]


@contextmanager
def echoing(peer: str, brokers: str, inbox: str, outbox: str, protocol: str = "") -> Iterator[Echo]:
    """A fresh echo process, killed at the end: what it had to say was said to the broker. Raises HopError."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "echo.log"
        with log.open("wb") as errors:
            begun = time.monotonic()
            process = subprocess.Popen(
                command(peer, brokers, inbox, outbox, protocol),
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=ROOT,
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
            )
        try:
            cpu = _await_owned(process, peer, log)
            yield Echo(peer, psutil.Process(process.pid), time.monotonic() - begun, cpu, log)
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def generate(*arguments: object) -> str:
    """Runs the generator to its end and returns what it printed. Raises HopError."""
    argv = [sys.executable, "-m", "perf.hop.generator", *map(str, arguments)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=GENERATOR_LIMIT_S, cwd=ROOT, check=False)
    except subprocess.TimeoutExpired:
        raise HopError(
            f"The generator ({arguments[0]}) was not done after {GENERATOR_LIMIT_S:.0f} s.", "measure less"
        ) from None
    if done.returncode:
        raise HopError(f"The generator failed: {done.stderr.strip()[-LAST_WORDS:]}", "see the broker's log")
    return done.stdout


def _await_owned(process: subprocess.Popen[bytes], peer: str, log: Path) -> float:
    """The processor time that the echo had spent when it said that it owns its partition."""
    assert process.stdout is not None
    lines: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read_lines, args=(process.stdout, lines), daemon=True).start()
    until = time.monotonic() + OWNED_LIMIT_S
    while time.monotonic() < until:
        try:
            line = lines.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            break
        word, _, seconds = line.decode().strip().partition(" ")
        if word == "owned":
            return float(seconds)
        if not line:
            break
    raise HopError(
        f"The echo '{peer}' did not own its partition within {OWNED_LIMIT_S:.0f} s: {_tail(log)}",
        "start it by hand: " + " ".join(map(str, process.args[1:] if isinstance(process.args, list) else ())),
    )


def _read_lines(pipe: object, lines: SimpleQueue[bytes]) -> None:
    try:
        for line in pipe:  # type: ignore[attr-defined]
            lines.put(line)
    except ValueError:  # closed
        pass
    lines.put(b"")


def _tail(log: Path) -> str:
    return log.read_text(errors="replace").strip()[-LAST_WORDS:] or "it said nothing"
