"""How the state of a stack looks in a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from alto_streams.supervisor.memory import Memory, of_tree
from alto_streams.supervisor.state import ProcessState, StackState


def starting(state: StackState) -> RenderableType:
    """One line a process, with the seconds from the start of the stack until it was ready."""
    table = Table.grid(padding=(0, 2))
    for process in state.processes:
        table.add_row(*_progress(process, state.started_at))
    return Group(table)


def _progress(process: ProcessState, began: float) -> tuple[RenderableType, ...]:
    if process.ready and process.ready_at is not None:
        return Text("✓", style="green"), process.name, f"{process.ready_at - began:.1f} s"
    waited = Text(f"{time.time() - began:.1f} s", style="dim")
    if process.last_error:
        waited.append(f"  start {process.restarts + 2}, after: {process.last_error}", style="yellow")
    return Spinner("dots"), process.name, waited


def measured(state: StackState) -> dict[str, Memory]:
    """Memory by process name, the supervisor among them."""
    pids = {process.name: process.pid for process in state.processes if process.pid}
    everyone = [state.supervisor_pid, *pids.values()]
    found = {name: of_tree(pid, everyone) for name, pid in pids.items()}
    found["supervisor"] = of_tree(state.supervisor_pid, everyone)
    return found


def running(state: StackState, memory: dict[str, Memory]) -> RenderableType:
    """The table of `alto status`."""
    table = Table(title=f"{state.pipeline or 'stack'} · {state.phase} · broker {state.brokers}", title_justify="left")
    for column in ("process", "pid", "state", "restarts", "up", "resident"):
        table.add_column(column, justify="left" if column in ("process", "state") else "right")
    now = time.time()
    for process in state.processes:
        table.add_row(
            process.name,
            str(process.pid or ""),
            condition(process),
            str(process.restarts or ""),
            _duration(now - process.started_at) if process.pid and process.started_at else "",
            size(memory.get(process.name)),
        )
    supervisor = (str(state.supervisor_pid), "ready", "", _duration(now - state.started_at))
    table.add_row("supervisor", *supervisor, size(memory.get("supervisor")), end_section=True)
    table.add_row("all, shared pages once", "", "", "", "", _megabytes(total(memory.values())))
    return table


def as_json(state: StackState, memory: dict[str, Memory]) -> dict[str, Any]:
    """What `alto status --json` prints; sizes are bytes, times unix seconds."""
    return {
        "phase": state.phase,
        "pipeline": state.pipeline,
        "brokers": state.brokers,
        "engine_url": state.engine_url,
        "supervisor_pid": state.supervisor_pid,
        "failure": state.failure,
        "mend": state.mend,
        "started_at": state.started_at,
        "running_at": state.running_at,
        "memory": total(memory.values()),
        "processes": [
            {
                "name": process.name,
                "pid": process.pid,
                "state": condition(process),
                "restarts": process.restarts,
                "started_at": process.started_at,
                "ready_at": process.ready_at,
                "last_error": process.last_error,
                "log": process.log,
                "resident": memory[process.name].resident if process.name in memory else 0,
                "memory": memory[process.name].proportional if process.name in memory else 0,
            }
            for process in state.processes
        ],
    }


def condition(process: ProcessState) -> str:
    if process.pid is None:
        return "waiting"
    return "ready" if process.ready else "starting"


def total(memory: Iterable[Memory]) -> int:
    """Bytes of all together, each shared page counted once."""
    return sum(one.proportional for one in memory)


def size(memory: Memory | None) -> str:
    return _megabytes(memory.resident) if memory else ""


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
