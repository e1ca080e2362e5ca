"""Notes when the records of each question arrive. It reads their headers only: a client that decodes costs more."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from alto_streams.engines.emulated.text import MARK
from alto_streams.event_types import OUTCOME
from alto_streams.failure import Failure

NO_OUTCOME = "no_outcome"  # by its deadline and a margin
UNDELIVERED = "undelivered"  # the broker did not take the question
UNFINISHED = "unfinished"  # the run was stopped before it could end: no error
Headers = Sequence[tuple[str, bytes]] | None


@dataclass(slots=True)
class Asked:
    """One question and what has been heard of it. `due_s` counts from the run's begin, all other times from there on.

    `error` is empty for a question that completed, and None for one that is still open.
    """

    due_s: float
    late_s: float | None = None  # of its sending; None: not sent
    first_s: dict[str, float] = field(default_factory=dict)  # by type of item
    last_output_s: float | None = None
    ended_s: float | None = None
    error: str | None = None
    outputs: set[bytes] = field(default_factory=set)

    @property
    def complete(self) -> bool:
        return self.error == ""


class Listener:
    """Called in the tail's thread. `begun_at` must be set before the first record arrives."""

    def __init__(self, output: str) -> None:
        self.open: dict[bytes, Asked] = {}
        self.ended: list[Asked] = []
        self.begun_at = 0.0
        self.heard = self.heard_emulated = 0
        self._output = output

    def on_record(self, key: bytes, headers: Headers, value: bytes) -> None:
        now = time.monotonic() - self.begun_at
        kind, item, failure = b"", b"", b""
        for name, content in headers or ():
            if name == "type":
                kind = content
            elif name == "id":
                item = content
            elif name == "failure":
                failure = content
        asked = self.open.get(key)
        if asked is None:
            return
        wait = now - asked.due_s
        type = kind.decode(errors="replace")
        if type == OUTCOME:
            self.end(key, _kind_of(failure), wait)
            return
        if not asked.first_s:
            self.heard += 1
            self.heard_emulated += MARK.encode() in value.lower()
        asked.first_s.setdefault(type, wait)
        if type == self._output and item not in asked.outputs:  # at least once: the same one may come again
            asked.outputs.add(item)
            asked.last_output_s = wait

    def end(self, key: bytes, error: str, wait_s: float) -> None:
        """The first end of a question counts; what is heard of it later does not."""
        asked = self.open.pop(key, None)
        if asked is not None:
            asked.error, asked.ended_s = error, wait_s
            asked.outputs.clear()
            self.ended.append(asked)

    def give_up(self, keys: Iterable[bytes], error: str) -> None:
        now = time.monotonic() - self.begun_at
        for key in list(keys):
            asked = self.open.get(key)
            if asked is not None:
                self.end(key, error, now - asked.due_s)

    @property
    def emulated(self) -> bool:
        """Whether most first items carry the emulated engine's mark."""
        return 2 * self.heard_emulated > self.heard


def _kind_of(failure: bytes) -> str:
    """What an outcome's header `failure` says: nothing, or what errors are counted by."""
    if not failure:
        return ""
    try:
        why = Failure.decode(failure)
        return f"{why.stage}: {why.kind}"
    except (TypeError, ValueError):
        return "a failure that cannot be read"
