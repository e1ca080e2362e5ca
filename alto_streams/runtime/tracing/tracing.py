"""Where observations go: noted on the event loop, written by a thread of their own from time to time."""

from __future__ import annotations

import threading
from typing import Protocol

import structlog

from alto_streams.runtime.tracing.ids import sampled
from alto_streams.runtime.tracing.observed import Observation

WAITING = 50_000  # observations; what comes while so many wait is left out, so that a slow collector costs no memory
CLOSE_S = 5.0


class Sink(Protocol):
    """A file or a collector, which wants what there is every so many seconds. Its calls may block."""

    every_s: float

    def write(self, seen: list[Observation]) -> None: ...

    def close(self) -> None: ...


class Tracing:
    """Of one worker."""

    def __init__(self, sink: Sink, share: float = 1.0) -> None:
        self._sink, self._share = sink, share
        self._waiting: list[Observation] = []
        self._missed = 0
        self._log = structlog.get_logger()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write_forever, name="tracing", daemon=True)
        self._thread.start()

    def samples(self, question: str) -> bool:
        return self._share >= 1 or sampled(question, self._share)

    def add(self, observation: Observation) -> None:
        if len(self._waiting) < WAITING:
            self._waiting.append(observation)
        else:
            self._missed += 1

    def close(self) -> None:
        """Writes what is there. Blocks, for some seconds at most."""
        self._stop.set()
        self._thread.join(CLOSE_S)

    def _write_forever(self) -> None:
        while not self._stop.wait(self._sink.every_s):
            self._write()
        self._write()
        self._sink.close()
        if self._missed:
            self._log.warning("spans_left_out", runs=self._missed)

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            self._sink.write(waiting)
        except Exception as error:  # a full disk, a collector that is away: the work goes on without spans
            if not self._missed:
                self._log.warning("spans_not_written", error=repr(error))
            self._missed += len(waiting)
