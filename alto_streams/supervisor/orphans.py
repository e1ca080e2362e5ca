"""Ends what a supervisor that was killed may have left behind."""

from __future__ import annotations

from pathlib import Path

from alto_streams.supervisor import pids, state

STOP_S = 10.0


def end_orphans(home: Path) -> list[str]:
    """Ends the processes of the last stack of `home` that still run, last started first; their names.

    Only to be called while holding the home's lock, so that no living supervisor owns them.
    """
    last = state.read(home)
    if last is None:
        return []
    return [p.name for p in reversed(last.processes) if pids.end(p.pid, p.born, STOP_S)]
