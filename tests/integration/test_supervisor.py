"""The supervisor with small real processes: restarts, giving up, stopping in any phase, no orphans."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alto_streams.errors import AltoError
from alto_streams.supervisor import control, pids, state
from alto_streams.supervisor.control import SupervisorProcess
from alto_streams.supervisor.homelock import HomeInUse

PATIENCE_S = 30.0

# A stack of dummies: what each child runs is chosen by the test through the environment.
STACK = """
import asyncio, os, sys, functools
from pathlib import Path
from alto_streams.errors import AltoError
from alto_streams.supervisor.launcher import Subprocesses
from alto_streams.supervisor.forks import Forks, zygote_spec
from alto_streams.supervisor.spec import ProcessSpec, ReadyLine, python_module
from alto_streams.supervisor.supervisor import serve
from alto_streams.supervisor.stack import ready

async def bring_up(supervisor):
    plain = Subprocesses()
    if os.environ["MODE"] == "fork":
        zygote = supervisor.keep(zygote_spec(supervisor.home, ["dummy"], 0), plain)
        launcher = Forks(zygote)
    else:
        launcher = plain
    specs = [
        ProcessSpec(name, python_module("dummy", name), ReadyLine("ok"), {"NAME": name}, level, stop_s=2.0)
        for level, name in enumerate(os.environ["NAMES"].split(","), start=1)
    ]
    await ready([supervisor.keep(spec, launcher) for spec in specs])

try:
    asyncio.run(serve(Path(os.environ["ALTO_HOME"]), bring_up))
except AltoError as error:
    sys.exit(str(error))
"""

STEADY = """
import json, os, signal, sys, time
def main():
    signal.signal(signal.SIGTERM, lambda *_: (print("term", time.monotonic(), flush=True), sys.exit(0)))
    print(json.dumps({"ok": os.environ["NAME"], "argv": sys.argv[1:]}), flush=True)
    time.sleep(600)
"""
NEVER_READY = "import time\ndef main():\n    time.sleep(600)\n"
STUBBORN = """
import json, signal, time
def main():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print(json.dumps({"ok": 1}), flush=True)
    while True: time.sleep(1)
"""
BROKEN = "import sys\ndef main():\n    sys.exit('the model file x is missing. Mend: alto setup')\n"
SHORT_LIVED = """
import json, sys, time
def main():
    print(json.dumps({"ok": 1}), flush=True)
    time.sleep(0.1)
    sys.exit("lost my way")
"""

Start = Callable[..., SupervisorProcess]


@pytest.fixture(params=["exec", "fork"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    started: list[SupervisorProcess] = []

    def run(dummy: str, *names: str, tied: bool = True) -> SupervisorProcess:
        code = tmp_path / "code"
        code.mkdir(exist_ok=True)
        program = textwrap.dedent(dummy) + "\nif __name__ == '__main__':\n    main()\n"
        (code / "dummy.py").write_text(program)
        env = {"PYTHONPATH": f"{code}:{Path.cwd()}", "NAMES": ",".join(names), "MODE": request.param}
        argv = (sys.executable, "-c", STACK)
        process = SupervisorProcess(tmp_path / "home", env, keep_tied=tied, argv=argv)
        started.append(process)
        return process

    try:
        yield run
    finally:
        for process in started:
            process.stop()


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def up(process: SupervisorProcess) -> state.StackState:
    *_, last = process.follow()
    return last


def up_and_wait(process: SupervisorProcess) -> None:
    up(process)
    process.wait()


def births(found: state.StackState) -> list[tuple[int, str]]:
    return [(p.pid, p.born) for p in found.processes if p.pid]


def none_lives(born: list[tuple[int, str]]) -> bool:
    return not any(pids.lives(*one) for one in born)


def named(found: state.StackState | None, name: str) -> state.ProcessState | None:
    return next((p for p in found.processes if p.name == name), None) if found else None


def test_up_and_down(start: Start, tmp_path: Path) -> None:
    process = start(STEADY, "first", "second")
    found = up(process)
    assert {"first", "second"} <= {p.name for p in found.processes if p.ready}
    assert control.running(tmp_path / "home") is not None
    born = births(found)
    process.stop()
    assert none_lives(born)
    assert control.running(tmp_path / "home") is None
    left = state.read(tmp_path / "home")
    assert left is not None
    assert (left.phase, left.processes) == ("stopped", [])


def test_the_last_started_level_stops_first(start: Start, tmp_path: Path) -> None:
    process = start(STEADY, "first", "second")
    up(process)
    process.stop()
    logs = [(tmp_path / "home" / "logs" / f"{name}.log").read_text() for name in ("first", "second")]
    first, second = (float(log.split("term ")[1].split()[0]) for log in logs)
    assert second < first


def test_a_child_gets_its_arguments_and_environment(start: Start, tmp_path: Path) -> None:
    up(start(STEADY, "only"))
    log = (tmp_path / "home" / "logs" / "only.log").read_text()
    assert '{"ok": "only", "argv": ["only"]}' in log


def test_a_dead_child_is_restarted(start: Start) -> None:
    process = start(STEADY, "first", "second")
    before = named(up(process), "first")
    assert before is not None
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    until(lambda: (now := named(process.state(), "first")) and now.ready and now.pid != before.pid)
    after = named(process.state(), "first")
    assert after is not None
    assert after.restarts == 1
    assert after.last_error == "signal SIGKILL"
    other = named(process.state(), "second")
    assert other is not None
    assert other.restarts == 0


def test_a_dead_zygote_is_restarted_with_its_children(start: Start) -> None:
    process = start(STEADY, "only")
    found = up(process)
    zygote, worker = named(found, "zygote"), named(found, "only")
    if zygote is None:
        pytest.skip("no zygote when each child is an interpreter of its own")
    assert zygote.pid is not None
    assert worker is not None
    os.kill(zygote.pid, signal.SIGKILL)
    until(lambda: not pids.lives(worker.pid, worker.born))
    until(lambda: (now := named(process.state(), "only")) and now.ready and now.pid != worker.pid)


def test_a_child_that_cannot_start_is_given_up_with_its_reason(start: Start) -> None:
    process = start(BROKEN, "engine")
    with pytest.raises(AltoError) as caught:
        up(process)
    assert caught.value.message == "engine failed: the model file x is missing."
    assert caught.value.mend == "alto setup"


def test_a_crash_loop_is_given_up_with_the_last_line(start: Start, tmp_path: Path) -> None:
    process = start(SHORT_LIVED, "worker")
    with pytest.raises(AltoError, match=r"worker ended 5 times in 60 s, the last time with: lost my way"):
        up_and_wait(process)
    left = state.read(tmp_path / "home")
    assert left is not None
    assert left.phase == "failed"


def test_sigterm_during_start_up_leaves_no_child(start: Start) -> None:
    process = start(NEVER_READY, "first", "second")
    until(lambda: (p := named(process.state(), "second")) and p.pid)
    found = process.state()
    assert found is not None
    assert found.phase == "starting"
    process.stop()
    assert none_lives(births(found))
    with pytest.raises(AltoError, match="stopped while it started"):
        up(process)


def test_a_child_that_ignores_sigterm_is_killed(start: Start) -> None:
    process = start(STUBBORN, "worker")
    born = births(up(process))
    process.stop()
    assert none_lives(born)


def test_a_killed_supervisor_leaves_no_child(start: Start) -> None:
    process = start(STUBBORN, "first", "second")
    found = up(process)
    os.kill(found.supervisor_pid, signal.SIGKILL)
    until(lambda: none_lives(births(found)))


def test_what_a_killed_supervisor_left_is_ended_by_the_next(start: Start, tmp_path: Path) -> None:
    orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        process = state.ProcessState("broker", "log", orphan.pid, pids.birth(orphan.pid))
        home = tmp_path / "home"
        home.mkdir()
        state.write(home, state.StackState(2**22 + 1, "gone", 0.0, processes=[process]))
        up(start(STEADY, "first"))
        assert orphan.wait(PATIENCE_S) == -signal.SIGTERM
    finally:
        orphan.kill()
        orphan.wait()


def test_a_home_has_one_supervisor(start: Start, tmp_path: Path) -> None:
    first = start(STEADY, "first")
    found = up(first)
    with pytest.raises(HomeInUse, match=f"supervisor pid {found.supervisor_pid}.*alto down.*ALTO_HOME"):
        start(STEADY, "first")
    assert not none_lives(births(found))
    assert control.stop(tmp_path / "home")
    assert none_lives(births(found))


def test_a_tied_supervisor_stops_with_the_one_who_started_it(start: Start, tmp_path: Path) -> None:
    starter = f"""
import os, time
from pathlib import Path
from alto_streams.supervisor.control import SupervisorProcess
process = SupervisorProcess(Path({str(tmp_path / "other")!r}), {{}}, keep_tied=True,
                            argv=({sys.executable!r}, "-c", {STACK!r}))
for _ in process.follow(): pass
print("up", flush=True)
time.sleep(600)
"""
    up(start(STEADY, "first"))  # only to write the dummy
    env = {**os.environ, "PYTHONPATH": f"{tmp_path / 'code'}:{Path.cwd()}", "NAMES": "a", "MODE": "exec"}
    outer = subprocess.Popen([sys.executable, "-c", starter], env=env)
    try:
        until(lambda: (s := control.running(tmp_path / "other")) and s.phase == "running")
        found = state.read(tmp_path / "other")
        assert found is not None
    finally:
        outer.kill()
        outer.wait()
    until(lambda: none_lives([*births(found), (found.supervisor_pid, found.supervisor_born)]))
