"""What nobody needs any more: the questions that have ended before they were complete, until their deadlines.

A record that comes late of one of them starts nothing. Past the deadline every record is late, so nothing need be
remembered: memory is bounded by what ends within the deadlines.
"""

from __future__ import annotations

from heapq import heappop, heappush

from alto_streams.ancestry import Ancestry, Key, Version
from alto_streams.record import Record

Ended = tuple[int, Key]  # the epoch, and the key of the ancestry at its full depth


class Endings:
    """Records of kind ENDED, as one instance has read them. `cover` costs O(depth).

    >>> from alto_streams.record import Kind
    >>> endings = Endings()
    >>> endings.add(Record(Kind.ENDED, 0, Ancestry("q"), epoch=1, deadline=1000))
    >>> endings.cover(Ancestry("q"), 1), endings.cover(Ancestry("q"), 2), endings.cover(Ancestry("r"), 1)
    (True, False, False)
    >>> endings.forget(now=1001)
    >>> len(endings)
    0
    """

    def __init__(self) -> None:
        self._versions: dict[Ended, tuple[Version, int]] = {}  # with the deadline
        self._ends: list[tuple[int, Ended]] = []  # a heap

    def __len__(self) -> int:
        return len(self._versions)

    def add(self, record: Record) -> None:
        depth, until = record.ancestry.depth, record.deadline
        ended, version = (record.epoch, record.ancestry.key(depth)), record.ancestry.version(depth)
        known = self._versions.get(ended, (version, until))
        if ended not in self._versions or known[1] < until:
            heappush(self._ends, (until, ended))
        self._versions[ended] = max(known[0], version), max(known[1], until)

    def cover(self, ancestry: Ancestry, epoch: int) -> bool:
        """Whether this, or what it descends from, has ended."""
        for depth in range(ancestry.depth + 1):
            known = self._versions.get((epoch, ancestry.key(depth)))
            if known is not None and ancestry.version(depth) <= known[0]:
                return True
        return False

    def forget(self, now: int) -> None:
        """Drops those whose deadline has passed. `now` in milliseconds."""
        while self._ends and self._ends[0][0] < now:
            _, ended = heappop(self._ends)
            if ended in self._versions and self._versions[ended][1] < now:
                del self._versions[ended]
