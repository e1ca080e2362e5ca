"""Processor time of a stack's processes, and of their threads by what they do."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
LIBRDKAFKA = "rdk:"  # its threads' names begin so


def by_role(pids: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """Seconds, user and system, since the start of each role's processes."""
    return {role: sum(map(_seconds, ids)) for role, ids in pids.items()}


def _seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def by_thread(pid: int) -> dict[str, float]:
    """Seconds of librdkafka's threads, and of the others."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            text = (task / "stat").read_text()
        except OSError:  # it has ended
            continue
        name, fields = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
        kind = "librdkafka" if name.startswith(LIBRDKAFKA) else "python"
        seconds[kind] += (int(fields[11]) + int(fields[12])) * _TICK_S
    return dict(seconds)
