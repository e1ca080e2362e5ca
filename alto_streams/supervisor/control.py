"""How the command line starts, watches and stops a supervisor that runs as a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from alto_streams.errors import AltoError
from alto_streams.supervisor import logs, pids
from alto_streams.supervisor import state as states
from alto_streams.supervisor.homelock import locked
from alto_streams.supervisor.lifeline import tied
from alto_streams.supervisor.orphans import end_orphans
from alto_streams.supervisor.spec import python_module
from alto_streams.supervisor.state import StackState

POLL_S = 0.05
STOP_S = 60.0  # longer than any of its processes may take
SUPERVISOR = python_module("alto_streams.supervisor")
CONTENTS = ("faust", "kafka", "logs", "pipeline.yaml", "ready", "zygote.sock", "stack.json", "stack.lock")


class SupervisorProcess:
    """A supervisor started by this process. With `keep_tied` it stops when this process dies."""

    def __init__(
        self, home: Path, env: Mapping[str, str], *, keep_tied: bool, argv: Sequence[str] = SUPERVISOR
    ) -> None:
        self.home = home
        with locked(home):  # raises HomeInUse here, before the running stack's log is rotated away
            self._log = logs.fresh_log(home, "supervisor")
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **env, "ALTO_HOME": str(home)},
                start_new_session=True,
                preexec_fn=tied(signal.SIGTERM) if keep_tied else None,
            )

    def state(self) -> StackState | None:
        """What this supervisor last wrote; None before its first word."""
        found = states.read(self.home)
        return found if found and found.supervisor_pid == self._process.pid else None

    def follow(self) -> Iterator[StackState]:
        """The state, again and again until the stack runs. Raises AltoError with the reason when it does not."""
        while True:
            found = self.state()
            if found is not None:
                yield found
                if found.phase == "running":
                    return
            if self._process.poll() is not None:
                raise self.failure()
            time.sleep(POLL_S)

    def wait(self) -> None:
        """Until the supervisor ends. Raises AltoError unless somebody stopped it."""
        if self._process.wait() != 0:
            raise self.failure()

    def failure(self) -> AltoError:
        """Why the supervisor ended."""
        found = self.state()
        if found is not None and found.failure:
            return AltoError(found.failure, found.mend)
        if found is not None and found.phase == "stopped":
            return AltoError("the stack was stopped while it started.", "start it again with `alto up`")
        said, _, mend = logs.last_line(logs.since(self._log, 0)).partition(" Mend: ")
        return AltoError(f"the supervisor ended: {said or 'without a word'}", mend or f"read {self._log}")

    def stop(self) -> None:
        """Stops the stack and waits for its end."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            with locked(self.home):
                end_orphans(self.home)


def running(home: Path) -> StackState | None:
    """The state of the stack whose supervisor lives in `home`."""
    found = states.read(home)
    if found is None or not pids.lives(found.supervisor_pid, found.supervisor_born):
        return None
    return found


def stop(home: Path) -> bool:
    """Stops the stack of `home` with all it left behind; False when nothing ran. Raises HomeInUse if it can't."""
    found = running(home)
    if found is not None:
        pids.end(found.supervisor_pid, found.supervisor_born, STOP_S)
    if not home.exists():
        return False
    with locked(home):
        return bool(end_orphans(home)) or found is not None


def clean(home: Path) -> None:
    """Removes what a stack keeps in `home`: broker data, logs, state. Other files there stay."""
    for name in CONTENTS:
        entry = home / name
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
    if home.is_dir() and not any(home.iterdir()):
        home.rmdir()
