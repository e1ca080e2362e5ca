"""Sends a record that waits while many follow it once more, to the end of its partition: so commits can go on.

A commit describes so many records beyond the first that is not done (`progress.window`), and no more are read before
that one is. What waits for a slow sibling, or for one that will never come, would hold up all that is behind it, maybe
also that sibling. So a log-structured store moves what is alive out of the way of its cleaner, and so it is done here:
when Kafka has the second copy, the first is acknowledged.

Here the copy is no news: it stands for the record in hand. A later owner reads it like any other record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alto_streams.effects import Delivery
from alto_streams.runtime.outbox import Outbox
from alto_streams.runtime.settlement import Settlement

FEW = 0.25
MOVED = "moved"  # the header that says of which record this is a copy


class Moved:
    """In place of the event of a record that was sent again: acknowledges whatever stands for the record."""

    __slots__ = ("_copy", "_done", "_first")

    def __init__(self, first: Any) -> None:
        self._first: Any = first
        self._copy: Any = None
        self._done = False

    @property
    def message(self) -> Any:
        """None while the copy is under way."""
        return None if self._copy is None else self._copy.message

    def ack(self) -> None:
        self._done = True
        for one in (self._first, self._copy):
            if one is not None:
                one.ack()

    def sent(self) -> None:
        """Kafka has the copy."""
        self._first.ack()
        self._first = None  # or one that waits for long would keep all that came before it

    def arrived(self, copy: Any) -> None:
        self._copy = copy
        if self._done:
            copy.ack()


class Relocation:
    """Of one stage instance. `events` are the records in hand, as the instance keeps them."""

    def __init__(
        self, stage: str, events: dict[Delivery, Any], outbox: Outbox, settlement: Callable[[], Settlement]
    ) -> None:
        self._stage, self._events, self._outbox, self._settlement = stage, events, outbox, settlement
        self._awaited: dict[bytes, Moved] = {}

    def move(self, partition: int, since: int, before: int) -> int:
        """Sends again what is in hand of these offsets of a partition; how many records that were.

        Nothing where it is more than a quarter of them: then most wait, not a few, and there would be no end to it.
        """
        old = [
            (delivery, event)
            for delivery, event in self._events.items()
            if delivery.partition == partition and event.message is not None and event.message.offset < before
        ]
        if len(old) > (before - since) * FEW:
            return 0
        for delivery, event in old:
            message = event.message
            name = f"{message.partition}.{message.generation_id}.{message.offset}".encode()
            moved = self._events[delivery] = self._awaited[name] = Moved(event)
            settlement = self._settlement()
            headers = [header for header in message.headers if header[0] != MOVED]
            self._outbox.again(self._stage, message, [*headers, (MOVED, name)], settlement)
            settlement.then(moved.sent)
            settlement.close()
        return len(old)

    def takes(self, event: Any, headers: dict[str, bytes]) -> bool:
        """Whether an event is the copy of a record that this instance sent again, and so nothing new."""
        if MOVED not in headers:
            return False
        moved = self._awaited.pop(headers[MOVED], None)
        if moved is not None:
            moved.arrived(event)
        return moved is not None

    def forget(self, partitions: set[int]) -> None:
        """They are another instance's from now on, and so are the copies."""
        for name in [name for name in self._awaited if int(name.split(b".")[0]) in partitions]:
            del self._awaited[name]
