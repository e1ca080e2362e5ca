"""The state of a stack as one small file, `stack.json` in its home, that anyone may read at any moment."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Phase = Literal["starting", "running", "stopping", "stopped", "failed"]


@dataclass(slots=True)
class ProcessState:
    """One process. `born` tells it from a later process of the same pid; times are unix seconds."""

    name: str
    log: str
    pid: int | None = None
    born: str = ""
    started_at: float | None = None
    ready_at: float | None = None
    ready: bool = False
    restarts: int = 0
    last_error: str = ""


@dataclass(slots=True)
class StackState:
    """The whole stack. `failure` and `mend` say why the phase is `failed`."""

    supervisor_pid: int
    supervisor_born: str
    started_at: float
    phase: Phase = "starting"
    pipeline: str = ""
    target: str = ""  # where the pipeline was loaded from: module:attribute, or a file
    brokers: str = ""
    engine_url: str = ""
    engine_model: str = ""
    running_at: float | None = None
    failure: str = ""
    mend: str = ""
    processes: list[ProcessState] = field(default_factory=list)


def path(home: Path) -> Path:
    return home / "stack.json"


def write(home: Path, state: StackState) -> None:
    """Replaces the file in one step: a reader sees the old state or the new one, never half of one."""
    fresh = path(home).with_suffix(".json.new")
    fresh.write_text(json.dumps(asdict(state), indent=1) + "\n")
    fresh.replace(path(home))


def read(home: Path) -> StackState | None:
    """The last state written in `home`; None when there is none, or none that this version understands."""
    try:
        found: dict[str, Any] = json.loads(path(home).read_text())
        processes = [ProcessState(**process) for process in found.pop("processes")]
        return StackState(**found, processes=processes)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
