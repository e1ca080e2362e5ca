"""Memory of the processes of a stack, each with the children that it started itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes. `resident` counts shared pages in full; `proportional` splits them among those who share them.

    Only the proportional numbers of several processes may be added. Outside Linux both are the resident size.
    """

    resident: int
    proportional: int

    def __add__(self, other: Memory) -> Memory:
        return Memory(self.resident + other.resident, self.proportional + other.proportional)


def of_tree(pid: int, others: Iterable[int]) -> Memory:
    """The process and its descendants, without those below any of `others`; zero when it has ended."""
    try:
        process = psutil.Process(pid)
        children = process.children()
    except psutil.Error:
        return Memory(0, 0)
    apart = set(others)
    total = of(pid)
    for child in children:
        if child.pid not in apart:
            total += of_tree(child.pid, apart)
    return total


def of(pid: int) -> Memory:
    """One process."""
    try:
        resident = int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return Memory(0, 0)
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return Memory(resident, resident)
    shares = [line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:")]
    return Memory(resident, int(shares[0]) * 1024 if shares else resident)
