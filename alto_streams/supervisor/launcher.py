"""Starts a process from its spec; the plain way is one new interpreter or program for each."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Protocol

from alto_streams.supervisor.lifeline import tied
from alto_streams.supervisor.spec import ProcessSpec


class LaunchFailed(Exception):
    """The process could not even be created; the message is for its `last_error`."""


class Child(Protocol):
    """A process that was launched."""

    @property
    def pid(self) -> int: ...

    async def wait(self) -> int:
        """Its exit code, or minus the signal that ended it."""

    def send(self, number: int) -> None:
        """Signals the process; nothing happens when it has ended."""


class Launcher(Protocol):
    async def ready(self) -> None:
        """Returns when something can be launched. May be cancelled, unlike a launch."""

    async def launch(self, spec: ProcessSpec, log: Path) -> Child:
        """Starts the process with stdout and stderr appended to `log`. Raises LaunchFailed."""


class Subprocesses:
    """Each process by exec: simple, works for any program, and pays its start-up in full."""

    async def ready(self) -> None:
        pass

    async def launch(self, spec: ProcessSpec, log: Path) -> Child:
        with log.open("ab") as output:
            try:
                process = await asyncio.create_subprocess_exec(
                    *spec.argv,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env={**os.environ, **spec.env},
                    # Ctrl-C in a terminal must reach the supervisor only: it stops the others in order.
                    start_new_session=True,
                    preexec_fn=tied(spec.death_signal),
                )
            except OSError as error:
                raise LaunchFailed(f"{spec.argv[0]} cannot be started: {error}") from None
        return Subprocess(process)


class Subprocess:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> int:
        return await self._process.wait()

    def send(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)
