"""Many seeds over several processes, until one fails. A process that dies is an error, and names what it was at.

Each process loads the case by its name and plays a few seeds at a time. They are started afresh (not forked), so that
it does not matter what else the caller has running.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from threading import current_thread, main_thread
from typing import Any

from alto_streams.errors import AltoError
from alto_streams.testing.failure import SimulationError
from alto_streams.testing.load import load
from alto_streams.testing.shrink import Histories
from alto_streams.testing.simulation import simulate_one

BATCH = 10  # seeds: a fraction of a second
STOP_S = 2.0


class SeedFailed(AltoError):
    """A seed breaks an invariant; `seed` says which."""

    def __init__(self, seed: int, message: str, mend: str) -> None:
        super().__init__(message, mend)
        self.seed = seed


@dataclass(frozen=True)
class Job:
    """What every process does: a target for `load`, its file of questions, and how long a failure is shrunk."""

    target: str
    questions: str | None = None
    shrink_s: float = 20.0


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def play_seeds(
    job: Job,
    seeds: range,
    jobs: int,
    done: Callable[[int], Any] = lambda seeds: None,
    failing: Callable[[int], Any] = lambda seed: None,
) -> None:
    """Tells `done` how many more seeds have passed, and `failing` which one has not, before it is shrunk.

    Raises SeedFailed for the first that fails, and AltoError where a process dies or the case cannot be loaded.
    """
    batches = (seeds[at : at + BATCH] for at in range(0, len(seeds), BATCH))
    with ExitStack() as started:
        crew = []
        with undisturbed():
            for _ in range(max(1, min(jobs, -(-len(seeds) // BATCH)))):
                crew.append(_Player(job))
                started.callback(crew[-1].stop)
        _play(crew, batches, done, failing)


def _play(
    crew: list[_Player], batches: Iterator[range], done: Callable[[int], Any], failing: Callable[[int], Any]
) -> None:
    busy = {player.connection: player for player in crew if player.take(batches)}
    failed = False
    while busy:
        for ready in wait(list(busy)):
            player = busy[ready]  # type: ignore[index]
            answer = player.answer()
            if answer is None:
                done(len(player.batch))
                if failed or not player.take(batches):
                    del busy[player.connection]
            elif isinstance(answer, int):
                failing(answer)
                failed, busy = True, {player.connection: player}  # the others need not go on
                break
            else:
                raise answer


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C waits. A process that starts now never sees it: it is for who started it.

    Blocked, which the processes inherit; and noted, since another thread (a display's) may still receive it, and it is
    the main thread that would be broken off, between the start of a process and what it is sent to begin with.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    noted: list[int] = []
    main = current_thread() is main_thread()  # no other may have handlers, or is broken off
    handler = signal.signal(signal.SIGINT, lambda number, frame: noted.append(number)) if main else None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)  # one that waited is noted now
        if main:
            signal.signal(signal.SIGINT, handler)
        if noted:
            signal.raise_signal(signal.SIGINT)


class _Player:
    """A process that plays batches of seeds."""

    def __init__(self, job: Job) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.batch = range(0)
        self.process: SpawnProcess = context.Process(target=_serve, args=(theirs, job), daemon=True)
        self.process.start()
        theirs.close()

    def take(self, batches: Iterator[range]) -> bool:
        """Begins the next batch, if there is one."""
        batch = next(batches, None)
        if batch is not None:
            self.batch = batch
            with suppress(BrokenPipeError):  # it has died: its answer tells
                self.connection.send(batch)
        return batch is not None

    def answer(self) -> Any:
        """None when all seeds have passed, the number of one that fails, or an error."""
        try:
            return self.connection.recv()
        except (EOFError, ConnectionResetError):
            self.process.join(STOP_S)
            return AltoError(
                f"The process that played seeds {self.batch[0]} to {self.batch[-1]} died "
                f"with exit status {self.process.exitcode}.",
                "play them one by one with --jobs 1 --seeds 1 --from SEED to see which; "
                "a negative status is a signal, and -9 usually a lack of memory",
            )

    def stop(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.join(STOP_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _serve(connection: Connection, job: Job) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it could not be blocked
    with suppress(EOFError, BrokenPipeError):
        try:
            histories = Histories(load(job.target, job.questions))
            while True:
                for seed in connection.recv():
                    _play_one(histories, seed, job, connection)
                connection.send(None)
        except (EOFError, BrokenPipeError):
            raise
        except AltoError as error:
            connection.send(_portable(error))
        except BaseException as error:
            said = "".join(traceback.format_exception(error))
            connection.send(AltoError(f"The simulation itself fails:\n{said}", "please report it"))


def _play_one(histories: Histories, seed: int, job: Job, connection: Connection) -> None:
    try:
        simulate_one(histories, seed, shrink_s=0)
    except SimulationError as first:
        connection.send(seed)
        try:
            simulate_one(histories, seed, shrink_s=job.shrink_s)
        except SimulationError as shrunk:
            raise shrunk from None
        raise first from None  # it passed: something keeps a state


def _portable(error: AltoError) -> AltoError:
    """One that can be sent to another process."""
    if isinstance(error, SimulationError):
        return _Sent(error.seed, error.message, error.mend)
    return AltoError(error.message, error.mend)


class _Sent(SeedFailed):
    def __reduce__(self) -> Any:
        return SeedFailed, (self.seed, self.message, self.mend)
