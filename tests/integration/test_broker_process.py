"""The embedded broker under the supervisor: whatever is killed, it comes back where it was, and nothing is left."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from alto_streams.supervisor import pids
from alto_streams.supervisor.control import SupervisorProcess
from alto_streams.supervisor.state import ProcessState
from topics.admin import connect, metadata

PATIENCE_S = 90.0

BROKER_ONLY = """
import asyncio, os
from pathlib import Path
from alto_streams.supervisor.launcher import Subprocesses
from alto_streams.supervisor.stack import broker_spec
from alto_streams.supervisor.supervisor import serve

async def bring_up(supervisor):
    broker = supervisor.keep(broker_spec(supervisor), Subprocesses())
    await broker.ready.wait()
    supervisor.state.brokers = broker.said["bootstrap"]

asyncio.run(serve(Path(os.environ["ALTO_HOME"]), bring_up))
"""


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[SupervisorProcess]:
    argv = (sys.executable, "-c", BROKER_ONLY)
    process = SupervisorProcess(tmp_path, {"PYTHONPATH": str(Path.cwd())}, keep_tied=True, argv=argv)
    try:
        for _ in process.follow():
            pass
        yield process
    finally:
        process.stop()


def broker(stack: SupervisorProcess) -> ProcessState:
    state = stack.state()
    assert state is not None
    return state.processes[0]


def address(stack: SupervisorProcess) -> str:
    state = stack.state()
    assert state is not None
    return state.brokers


def jvm(stack: SupervisorProcess) -> tuple[int, str]:
    pid = int((stack.home / "kafka" / "kafka.pid").read_text())
    return pid, pids.birth(pid)


@pytest.mark.parametrize("victim", ["jvm", "process"])
def test_a_killed_broker_comes_back_at_its_port(stack: SupervisorProcess, victim: str) -> None:
    before, where, java = broker(stack), address(stack), jvm(stack)
    assert before.pid is not None
    os.kill(java[0] if victim == "jvm" else before.pid, signal.SIGKILL)
    until(lambda: (now := broker(stack)).ready and now.pid != before.pid)
    assert len(metadata(connect(where), where, 10.0).brokers) == 1
    assert not pids.lives(*java)


def test_a_killed_supervisor_leaves_no_jvm(stack: SupervisorProcess) -> None:
    java, state = jvm(stack), stack.state()
    assert state is not None
    assert psutil.Process(java[0]).ppid() == broker(stack).pid
    os.kill(state.supervisor_pid, signal.SIGKILL)
    until(lambda: not pids.lives(*java))
