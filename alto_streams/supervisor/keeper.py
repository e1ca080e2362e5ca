"""Keeps one process alive: launches it, sees it become ready, launches it again when it dies, stops it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alto_streams.errors import AltoError
from alto_streams.supervisor import logs, pids
from alto_streams.supervisor.launcher import Child, Launcher, LaunchFailed
from alto_streams.supervisor.restarts import Restarts
from alto_streams.supervisor.spec import ProcessSpec
from alto_streams.supervisor.state import ProcessState

READY_POLL_S = 0.03


class GaveUp(AltoError):
    """A process died too often to be started again."""


class Keeper:
    """Runs one spec until it is stopped or gives up; `process` shows how it fares and `changed` is called then."""

    def __init__(self, spec: ProcessSpec, launcher: Launcher, log: Path, changed: Callable[[], None]) -> None:
        self.spec = spec
        self.process = ProcessState(spec.name, str(log))
        self.said: dict[str, Any] = {}
        self.ready = asyncio.Event()
        self._launcher = launcher
        self._log = log
        self._changed = changed
        self._restarts = Restarts(tries=spec.tries)
        self._ever_ready = False

    async def run(self) -> None:
        """Until cancelled, which stops the process. Raises GaveUp with the last line that the process wrote."""
        while True:
            offset = self._log.stat().st_size
            code = await self._live(offset)
            reason = ended_by(code, logs.last_line(logs.since(self._log, offset)))
            self._died(reason)
            delay = self._restarts.died(time.monotonic(), ever_ready=self._ever_ready)
            if delay is None:
                raise self._gave_up(reason)
            await asyncio.sleep(delay)
            self.process.restarts += 1

    async def _live(self, offset: int) -> int | None:
        await self._launcher.ready()
        self.spec.ready.forget()
        launching = asyncio.ensure_future(self._launcher.launch(self.spec, self._log))
        try:
            child = await asyncio.shield(launching)
        except LaunchFailed as error:
            with self._log.open("a") as log:
                log.write(f"{error}\n")
            return None
        except asyncio.CancelledError:
            # A process may come out of a launch that is under way: it must not outlive this call.
            with contextlib.suppress(LaunchFailed):
                late = await launching
                await stop(late, asyncio.ensure_future(late.wait()), self.spec.stop_s)
            raise
        ended = asyncio.ensure_future(child.wait())
        try:
            self.process.pid, self.process.born = child.pid, pids.birth(child.pid)
            self.process.started_at = time.time()
            self._changed()
            await self._see_ready(ended, offset)
            return await asyncio.shield(ended)
        finally:
            if not ended.done():
                await stop(child, ended, self.spec.stop_s)
                self._died("")

    async def _see_ready(self, ended: asyncio.Future[int], offset: int) -> None:
        while True:
            over = ended.done()
            said = self.spec.ready.seen(logs.since(self._log, offset))
            if said is not None:
                self.said, self._ever_ready = said, True
                self.process.ready, self.process.ready_at = True, time.time()
                self.ready.set()
                self._changed()
                return
            if over:
                return
            await asyncio.wait({ended}, timeout=READY_POLL_S)

    def _died(self, last_error: str) -> None:
        self.ready.clear()
        self.process.ready, self.process.pid, self.process.born = False, None, ""
        self.process.last_error = last_error
        self._changed()

    def _gave_up(self, reason: str) -> GaveUp:
        # A part that fails with an AltoError ends with one line that holds its message and its mend.
        reason, _, mend = reason.partition(" Mend: ")
        mend = mend or f"read {self._log}"
        if not self._ever_ready:
            return GaveUp(f"{self.spec.name} failed: {reason}", mend)
        times = f"{len(self._restarts.deaths)} times in {self._restarts.window_s:.0f} s"
        return GaveUp(f"{self.spec.name} ended {times}, the last time with: {reason}", mend)


async def stop(child: Child, ended: asyncio.Future[int], patience_s: float) -> None:
    """SIGTERM, and SIGKILL when the process has not ended after `patience_s`."""
    child.send(signal.SIGTERM)
    done, _ = await asyncio.wait({ended}, timeout=patience_s)
    if not done:
        child.send(signal.SIGKILL)
        await asyncio.wait({ended}, timeout=5.0)


def ended_by(code: int | None, last_line: str) -> str:
    """Why a process ended: its own last words, or the signal that gave it no time for any.

    >>> ended_by(3, "no such file"), ended_by(3, ""), ended_by(-9, "working")
    ('no such file', 'exit code 3', 'signal SIGKILL')
    """
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(-code).name}"
    return last_line or f"exit code {code}"
