"""Records that wait for the same streams: their partitions take turns.

Only a few records at a time go into the streams' queues, the others wait here, each partition's in a queue of its own.
A slow stage so works on all its partitions side by side, and not for minutes on the one that was fetched first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from alto_streams.runtime.transport.ownership import Ownership, Record

HELPING = 32  # records that are delivered at once


class Lane:
    """The way of some partitions into the same channels."""

    __slots__ = ("decoding", "raw", "routes", "turns")

    def __init__(self, routes: Sequence[Any]) -> None:
        self.routes = routes
        self.turns: deque[Ownership] = deque()  # the partitions that have records here, the next one first
        self.raw = all(route.raw for route in routes)
        self.decoding = False

    def adopt(self, owner: Ownership) -> None:
        """Takes a partition over from the lane that it had, with what waits there."""
        if owner.lane is self:
            return
        if owner.waiting:
            owner.lane.turns.remove(owner)
            self.turns.append(owner)
        owner.lane = self

    def add(self, record: Record) -> None:
        owner = record.owner
        if not owner.waiting:
            self.turns.append(owner)
        owner.waiting.append(record)

    def hungry(self) -> bool:
        """Whether a channel has nothing left, or does not say when."""
        return not self.routes or any(route.queue.empty() or not route.paced for route in self.routes)

    def next(self) -> list[Record]:
        """A few records, one of each partition in turn; what was done before the takeover is passed over."""
        turns, chosen = self.turns, list[Record]()
        while turns and len(chosen) < HELPING:
            owner = turns.popleft()
            if not owner.live:
                owner.waiting.clear()
                continue
            record = owner.waiting.popleft()
            if owner.waiting:
                turns.append(owner)
            if owner.ledger.arrived(record.offset):
                chosen.append(record)
            else:
                record.take()
        return chosen
