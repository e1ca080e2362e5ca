"""Supervises the processes of one home from the first to the last: lock, start, watch, stop in reverse order."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from alto_streams.errors import AltoError
from alto_streams.supervisor import logs, pids, state
from alto_streams.supervisor.homelock import locked
from alto_streams.supervisor.keeper import Keeper
from alto_streams.supervisor.launcher import Launcher
from alto_streams.supervisor.orphans import end_orphans
from alto_streams.supervisor.spec import ProcessSpec


class Supervisor:
    """The processes of one home. `state` is what `stack.json` shows; `save` after changing it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.state = state.StackState(os.getpid(), pids.birth(os.getpid()), time.time())
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._kept: list[tuple[Keeper, asyncio.Task[None]]] = []

    def save(self) -> None:
        state.write(self.home, self.state)

    def keep(self, spec: ProcessSpec, launcher: Launcher) -> Keeper:
        """Starts a process and keeps it alive until `stop`."""
        keeper = Keeper(spec, launcher, logs.fresh_log(self.home, spec.name), self.save)
        self.state.processes.append(keeper.process)
        task = asyncio.create_task(keeper.run(), name=spec.name)
        task.add_done_callback(self._note_failure)
        self._kept.append((keeper, task))
        return keeper

    async def job(self, spec: ProcessSpec, launcher: Launcher) -> Keeper:
        """Starts a process that has done its work when it is ready, and stops it then."""
        keeper = self.keep(spec, launcher)
        await keeper.ready.wait()
        entry = next(entry for entry in self._kept if entry[0] is keeper)
        self._kept.remove(entry)
        self.state.processes.remove(keeper.process)
        await _cancel([entry[1]])
        return keeper

    async def stop(self) -> None:
        """Stops all processes, level by level, the highest first; those of one level together."""
        kept = sorted(self._kept, key=_level, reverse=True)
        for _, entries in itertools.groupby(kept, key=_level):
            await _cancel([task for _, task in entries])

    def _note_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None and not self.failed.done():
            self.failed.set_exception(task.exception() or RuntimeError())


async def serve(home: Path, bring_up: Callable[[Supervisor], Awaitable[None]]) -> None:
    """Brings a stack up, runs it until SIGTERM or SIGINT, and stops it. Raises what made it fail."""
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    with locked(home):
        end_orphans(home)
        supervisor = Supervisor(home)
        supervisor.save()
        asked_task = asyncio.create_task(asked.wait())
        starting = asyncio.ensure_future(bring_up(supervisor))
        try:
            await _first({starting, supervisor.failed, asked_task})
            if not asked.is_set():
                supervisor.state.phase, supervisor.state.running_at = "running", time.time()
                supervisor.save()
                await _first({supervisor.failed, asked_task})
            supervisor.state.phase = "stopping"
        except AltoError as error:
            supervisor.state.phase = "failed"
            supervisor.state.failure, supervisor.state.mend = error.message, error.mend
            raise
        except BaseException as error:
            supervisor.state.phase = "failed"
            supervisor.state.failure = f"the supervisor failed: {error!r}"
            supervisor.state.mend = f"read {home / 'logs' / 'supervisor.log'}"
            raise
        finally:
            supervisor.save()
            await _cancel([starting, asked_task])
            await supervisor.stop()
            if supervisor.state.phase == "stopping":
                supervisor.state.phase = "stopped"
            supervisor.state.processes.clear()
            supervisor.save()


def _level(entry: tuple[Keeper, asyncio.Task[None]]) -> int:
    return entry[0].spec.level


async def _first(futures: set[asyncio.Future[Any]]) -> None:
    """Waits until one is done and raises its error."""
    done, _ = await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    for future in done:
        future.result()


async def _cancel(futures: Sequence[asyncio.Future[Any]]) -> None:
    for future in futures:
        future.cancel()
    await asyncio.gather(*futures, return_exceptions=True)
