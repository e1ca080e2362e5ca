"""An embedded stack for a benchmark: up for one block, in a folder of its own, with the processor time of each role."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console

from alto_streams.cli.setup import fetch_missing
from alto_streams.cli.stack import check
from alto_streams.errors import AltoError
from alto_streams.settings import settings
from alto_streams.supervisor import control
from alto_streams.supervisor.state import StackState

DEFAULT_PIPELINE = "stages.graph:pipeline"
SUPERVISOR = "supervisor"


class StackError(AltoError):
    """The stack of a benchmark has ended."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that runs. Roles are its stages, `broker`, `zygote`, `supervisor`, and `engine` where one is embedded."""

    home: Path
    brokers: str
    pipeline: str  # its name, which topics begin with
    target: str  # where it was loaded from: module:attribute

    def pids(self) -> dict[str, list[int]]:
        """Process ids by role, of what lives now; a process that has no role of its own goes with its parent's."""
        state = self._state()
        own: dict[str, list[int]] = {SUPERVISOR: [state.supervisor_pid]}
        for process in state.processes:
            if process.pid is not None:
                stage, _, instance = process.name.rpartition("-")
                own.setdefault(stage if instance.isdecimal() else process.name, []).append(process.pid)
        apart = {pid for pids in own.values() for pid in pids}
        return {role: [pid for each in pids for pid in _tree(each, apart)] for role, pids in own.items()}

    def cpu_s(self) -> dict[str, float]:
        """Seconds of processor time, user and system, that each role has spent since its start."""
        return {role: sum(map(_cpu_s, pids)) for role, pids in self.pids().items()}

    def restarts(self) -> int:
        """Processes that died and were started again: their time before is in no figure."""
        return sum(process.restarts for process in self._state().processes)

    def _state(self) -> StackState:
        state = control.running(self.home)
        if state is None:
            raise StackError(f"The stack in {self.home} has ended.", f"read {self.home / 'logs'}")
        return state


@contextmanager
def stack(
    pipeline: str = DEFAULT_PIPELINE,
    instances: Mapping[str, int] | None = None,
    env: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> Iterator[Stack]:
    """Brings up broker, engine and stages on free ports, and takes all down with its data when the block ends.

    `instances` by stage, one where nothing is said. `env` are further settings, such as {"ALTO_ENGINE_URL":
    "emulated:"}; those of the environment count too, but for the ones that say which broker, pipeline and counts.
    `home` is a temporary folder by default. Enter it in the main thread: the stack ends when the thread does. Raises
    AltoError when it does not come up; its logs then stay, where the error says.
    """
    counts = ",".join(f"{stage}={count}" for stage, count in (instances or {}).items())
    wanted = {"ALTO_PIPELINE": pipeline, "ALTO_INSTANCES": counts, "ALTO_BROKERS": "", "ALTO_DEPLOYMENT": ""}
    with _environment({**wanted, **(env or {})}):
        check(settings(), {"ALTO_INSTANCES": counts})
        fetch_missing(Console(stderr=True))
        folder = home or Path(tempfile.mkdtemp(prefix="alto-perf-"))
        process = control.SupervisorProcess(folder, {}, keep_tied=True)
    failed = False
    try:
        try:
            for _ in process.follow():
                pass
        except AltoError:
            failed = True
            raise
        state = process.state()
        assert state is not None
        yield Stack(folder, state.brokers, state.pipeline, state.target)
    finally:
        process.stop()
        if not failed:
            control.clean(folder)


@contextmanager
def _environment(env: Mapping[str, str]) -> Iterator[None]:
    """In the block they are this process's settings, too, and inherited by what it starts."""
    before = {name: os.environ.get(name) for name in env}
    os.environ.update(env)
    settings.cache_clear()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        settings.cache_clear()


def _tree(pid: int, apart: set[int]) -> list[int]:
    """The process and its descendants, without those that have a role of their own."""
    try:
        children = psutil.Process(pid).children()
    except psutil.Error:
        return []
    return [pid, *(below for child in children if child.pid not in apart for below in _tree(child.pid, apart))]


def _cpu_s(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)
