"""What may be committed of one partition: never past a record that is not acknowledged, whatever the order.

One ledger serves one partition for as long as it is owned. A call costs O(log n) amortised in the n records in flight,
and memory is O(n): nothing is kept of what was acknowledged, even while an early record stays open for long.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

_SLACK = 32  # acknowledged offsets that may linger in the heap, beyond as many as are open


class OffsetLedger:
    """Offsets may have gaps (transaction markers, compaction) and be acknowledged in any order.

    >>> ledger = OffsetLedger()
    >>> for offset in (4, 5, 9):
    ...     ledger.delivered(offset)
    >>> ledger.acknowledge(5)
    >>> ledger.committable()
    4
    >>> ledger.acknowledge(4)
    >>> ledger.committable()
    9
    """

    __slots__ = ("_heap", "_next", "_open")

    def __init__(self) -> None:
        self._open: set[int] = set()
        self._heap: list[int] = []  # every open offset, and some that were acknowledged
        self._next: int | None = None

    def delivered(self, offset: int) -> None:
        """Opens an offset; it holds back the commit until it is acknowledged."""
        if offset not in self._open:
            self._open.add(offset)
            heappush(self._heap, offset)
        if self._next is None or offset >= self._next:
            self._next = offset + 1

    def acknowledge(self, offset: int) -> None:
        """Closes an offset; one that is not open is ignored."""
        self._open.discard(offset)
        while self._heap and self._heap[0] not in self._open:
            heappop(self._heap)
        if len(self._heap) > 2 * len(self._open) + _SLACK:
            self._heap = list(self._open)
            heapify(self._heap)

    def committable(self) -> int | None:
        """The offset to resume from: the first open one, else the one after the last delivered; None before any."""
        return self._heap[0] if self._heap else self._next

    @property
    def in_flight(self) -> int:
        """How many offsets are open."""
        return len(self._open)
