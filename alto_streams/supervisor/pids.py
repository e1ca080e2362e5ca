"""Process ids that can be trusted later: a pid alone may meanwhile belong to another program."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil


def birth(pid: int) -> str:
    """A mark that this process, and no later one of the same pid, has; empty when there is no such process."""
    try:
        # Start time in clock ticks since boot: unlike psutil's, it does not move when the clock is set.
        stat = Path(f"/proc/{pid}/stat").read_text()
        return f"{_boot()}:{stat.rpartition(')')[2].split()[19]}"
    except OSError:
        pass
    try:
        return f"{psutil.Process(pid).create_time():.2f}"
    except psutil.Error:
        return ""


def lives(pid: int | None, born: str) -> bool:
    """Whether the process that was born as `born` still runs (a zombie does not)."""
    if not pid or not born or birth(pid) != born:
        return False
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def end(pid: int | None, born: str, wait_s: float) -> bool:
    """Ends that very process: SIGTERM, and SIGKILL after `wait_s`. False when it did not run any more."""
    if not pid or not lives(pid, born):
        return False
    for number, patience in ((signal.SIGTERM, wait_s), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not lives(pid, born):
                return True
            time.sleep(0.02)
    return True


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
