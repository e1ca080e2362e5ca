"""What may be committed of one partition: never past a record that is not acknowledged, whatever the order.

One ledger serves one partition for as long as it is owned. It begins with what the last owner committed, so that what
was done beyond the committed offset is not delivered again. `arrived` and `acknowledge` cost O(1), a fraction of a
microsecond; memory is O(n) in the records in hand and those that the last owner left unfinished: nothing is kept of
what was acknowledged, even while an early record stays open for long.
"""

from __future__ import annotations

from collections import OrderedDict, deque

from alto_streams.progress import Progress


class OffsetLedger:
    """Offsets arrive in increasing order, may have gaps (compaction, transaction markers), and are acknowledged in any.

    `resumed` is what the partition's last owner committed; None where nothing ever was. A reader that had to leave it
    behind (the committed offset is beyond the log's end) begins a new ledger.

    >>> ledger = OffsetLedger()
    >>> [ledger.arrived(offset) for offset in (4, 5, 9)]
    [True, True, True]
    >>> ledger.acknowledge(5)
    >>> ledger.committable()
    4
    >>> committed = ledger.progress(attempt=1)
    >>> committed
    Progress(offset=4, attempt=1, unfinished=(4, 9), known=10)
    >>> next_owner = OffsetLedger(committed)
    >>> [next_owner.arrived(offset) for offset in (4, 5, 9)]
    [True, False, True]
    """

    __slots__ = ("_awaited", "_known", "_open")

    def __init__(self, resumed: Progress | None = None) -> None:
        # An OrderedDict (not a dict, nor a set) keeps its first offset at hand while offsets leave in any order.
        self._open: OrderedDict[int, None] = OrderedDict()
        # Left unfinished by the last owner and not come yet: increasing, and above all that has arrived.
        self._awaited = deque(resumed.unfinished if resumed else ())
        self._known = resumed.known if resumed else -1

    def arrived(self, offset: int) -> bool:
        """Takes a record in hand: it holds back the commit until it is acknowledged. Call it for every record read.

        False when it was done before the takeover, or has arrived already: do not deliver it.
        """
        if offset < self._known:
            return self._arrived_again(offset)
        if self._awaited:
            self._awaited.clear()
        self._known = offset + 1
        self._open[offset] = None
        return True

    def _arrived_again(self, offset: int) -> bool:
        awaited = self._awaited
        # What was passed over is gone from the log (retention, compaction), and must not hold back the commit for ever.
        while awaited and awaited[0] < offset:
            awaited.popleft()
        if not awaited or awaited[0] > offset:
            return False
        self._open[awaited.popleft()] = None
        return True

    def acknowledge(self, offset: int) -> None:
        """Closes a record; one that is not in hand is ignored."""
        self._open.pop(offset, None)

    def admits(self, offset: int, window: int) -> bool:
        """Whether the next record read may arrive without `span` exceeding `window` (1 at least) by it.

        What the last owner left unfinished always may, and so may any record when none is in hand: a reader that waits
        on this alone goes on as soon as what is in hand is acknowledged.
        """
        return offset < self._known or not self._open or offset < next(iter(self._open)) + window

    def committable(self) -> int | None:
        """The offset to resume from: the first that is not done. None where nothing was resumed and nothing arrived."""
        if self._open:
            return next(iter(self._open))
        if self._awaited:
            return self._awaited[0]
        return self._known if self._known >= 0 else None

    def progress(self, attempt: int) -> Progress | None:
        """What to commit. None where nothing was resumed and nothing arrived. Costs O(n) in what is unfinished."""
        offset = self.committable()
        if offset is None:
            return None
        return Progress(offset, attempt, (*self._open, *self._awaited), self._known)

    @property
    def oldest(self) -> int | None:
        """The first offset in hand."""
        return next(iter(self._open), None)

    @property
    def known(self) -> int:
        """The end of what is known: all that has arrived lies before it."""
        return self._known

    @property
    def span(self) -> int:
        """From the first offset that is not done to the end of what is known: what `progress.window` limits."""
        offset = self.committable()
        return 0 if offset is None else self._known - offset

    @property
    def awaiting(self) -> int:
        """How many records the last owner left unfinished that have not come yet. They do not widen `span`, but hold it
        open: a reader that pauses at a wide span must read on while there are any, or it would wait for ever.
        """
        return len(self._awaited)

    @property
    def in_flight(self) -> int:
        """How many records are in hand."""
        return len(self._open)
