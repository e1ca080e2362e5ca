"""Where a question's processor time goes: a stack under load, its threads' times, and py-spy's samples of the Python.

A worker's librdkafka threads are the transport's. What its Python threads spend is divided by the samples of them.
Measured apart from the rates: sampling takes time itself.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from perf.ceiling.attribution import BROKER, PARTS, TRANSPORT, shares
from perf.ceiling.closed_loop import ClosedLoop
from perf.ceiling.processor import by_role, by_thread
from perf.ceiling.stacks import Running

RATE = 200  # samples a second
STOP_LIMIT_S = 30.0


def profiler() -> str | None:
    """Where py-spy is, in this environment or on the path."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


def split(running: Running, loop: ClosedLoop, in_flight: int, turn: int, turns: int) -> dict[str, dict[str, float]]:
    """Milliseconds of processor time for a question by process and part. Empty where py-spy may not look."""
    program = profiler()
    if program is None:
        return {}
    loop.keep(in_flight)
    loop.turn(in_flight)
    with tempfile.TemporaryDirectory() as folder:
        samplers = {
            (role, pid): _sample(program, pid, Path(folder) / f"{pid}.txt")
            for role, pids in running.workers.items()
            for pid in pids
        }
        try:
            loop.turn(turn)  # samplers look for Python's frames first
            broker = by_role(running.pids).get(BROKER, 0.0)
            before = {pid: by_thread(pid) for _, pid in samplers}
            count = turn * turns
            loop.turn(count)
            after = {pid: by_thread(pid) for _, pid in samplers}
            found = {BROKER: Counter({BROKER: by_role(running.pids).get(BROKER, 0.0) - broker})}
        finally:
            _stop([process for process, _ in samplers.values()])
        loop.drain()
        for (role, pid), (_, samples) in samplers.items():
            spent = {kind: now - before[pid].get(kind, 0.0) for kind, now in after[pid].items()}
            parts = shares(samples.read_text()) if samples.exists() else {}
            if not parts:
                return {}
            mine = found.setdefault(role, Counter())
            mine[TRANSPORT] += spent.get("librdkafka", 0.0)
            for part, share in parts.items():
                mine[part] += share * spent["python"]
    return {role: {part: 1000 * parts[part] / count for part in PARTS} for role, parts in found.items()}


def total(by_process: dict[str, dict[str, float]]) -> dict[str, float]:
    """Of all processes together."""
    return {part: sum(parts[part] for parts in by_process.values()) for part in PARTS}


def _sample(program: str, pid: int, output: Path) -> tuple[subprocess.Popen[bytes], Path]:
    argv = [program, "record", "--pid", str(pid), "--rate", str(RATE), "--duration", "600", "--format", "raw"]
    quiet = subprocess.DEVNULL
    return subprocess.Popen([*argv, "--output", str(output)], stdout=quiet, stderr=quiet), output


def _stop(samplers: list[subprocess.Popen[bytes]]) -> None:
    """By SIGINT they write what they have."""
    for process in samplers:
        if process.poll() is None:
            process.send_signal(2)
    for process in samplers:
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
