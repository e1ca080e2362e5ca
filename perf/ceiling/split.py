"""Where a question's processor time goes: a stack under load, its threads' times, and py-spy's samples of the Python.

A worker's librdkafka threads are the transport's. What its Python threads spend is divided by samples of whoever holds
the interpreter's lock: what they spend in system calls goes along. The times are read while nobody samples, for that
takes time itself; after that all workers are sampled at once.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from perf.ceiling.attribution import BROKER, PARTS, TRANSPORT, shares
from perf.ceiling.closed_loop import ClosedLoop
from perf.ceiling.processor import by_role, by_thread
from perf.ceiling.stacks import Running

RATE = 200  # samples a second
ATTACH_S = 60.0


def split(
    running: Running, loop: ClosedLoop, in_flight: int, turn: int, seconds: float, sampled_s: float
) -> dict[str, dict[str, float]]:
    """Milliseconds of processor time for a question by process and part. Empty where py-spy may not look.

    Whole turns for `seconds`, then samples for `sampled_s`.
    """
    program = _profiler()
    if program is None:
        return {}
    loop.keep(in_flight)
    loop.turn(in_flight)
    pids = {pid: role for role, each in running.workers.items() for pid in each}
    before, roles = {pid: by_thread(pid) for pid in pids}, by_role(running.pids)
    took, count = 0.0, 0
    while not count or took < seconds:
        took += loop.turn(turn)
        count += turn
    after, spent = {pid: by_thread(pid) for pid in pids}, by_role(running.pids)
    found = {BROKER: defaultdict(float, {BROKER: spent[BROKER] - roles[BROKER]})}
    sampled = _samples(program, list(pids), sampled_s, loop)
    for pid, role in pids.items():
        parts = shares(sampled[pid])
        if not parts:
            return {}
        mine = found.setdefault(role, defaultdict(float))
        used = {kind: now - before[pid].get(kind, 0.0) for kind, now in after[pid].items()}
        mine[TRANSPORT] += used.get("librdkafka", 0.0)
        for part, share in parts.items():
            mine[part] += share * used["python"]
    loop.drain()
    return {role: {part: 1000 * parts[part] / count for part in PARTS} for role, parts in found.items()}


def total(by_process: dict[str, dict[str, float]]) -> dict[str, float]:
    """Of all processes together."""
    return {part: sum(parts[part] for parts in by_process.values()) for part in PARTS}


def _profiler() -> str | None:
    """Where py-spy is, in this environment or on the path."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


def _samples(program: str, pids: Sequence[int], seconds: float, loop: ClosedLoop) -> dict[int, str]:
    """What py-spy writes of each process, which goes on working meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        files = {pid: Path(folder) / f"{pid}.txt" for pid in pids}
        options = ["--rate", str(RATE), "--duration", str(max(1, round(seconds))), "--gil", "--nonblocking"]
        samplers = [
            subprocess.Popen(
                [program, "record", "--pid", str(pid), *options, "--format", "raw", "--output", str(file)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for pid, file in files.items()
        ]
        until = time.monotonic() + seconds + ATTACH_S
        try:
            while any(sampler.poll() is None for sampler in samplers) and time.monotonic() < until:
                loop.turn(1)
        finally:
            for sampler in samplers:
                sampler.kill()
                sampler.wait()
        return {pid: file.read_text() if file.exists() else "" for pid, file in files.items()}
