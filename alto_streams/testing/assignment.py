"""A partition of the in-memory Kafka, and its time in one instance's hands: taken over, read, acknowledged, committed.

What passes from one owner to the next is what a real broker keeps of a commit: an offset and a text.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from alto_streams.errors import AltoError
from alto_streams.offsets import OffsetLedger
from alto_streams.progress import Progress, decode, encode, window

RELOCATIONS = 3  # of one assignment


class Violation(AltoError):
    """An invariant of the framework does not hold."""


@dataclass(slots=True)
class Partition:
    """One partition of a stage's topic. `generation` grows whenever another owner takes it over.

    `done` is what the invariants are checked against: the offsets whose acknowledgement was committed, kept naively.
    `metadata_bytes` is the broker's limit to a commit's text; None lets a text, and what is in hand, be of any size.
    """

    metadata_bytes: int | None = None
    log: list[tuple[bytes, bytes]] = field(default_factory=list)
    committed: int = 0
    metadata: str = ""
    generation: int = 0
    done: set[int] = field(default_factory=set)

    def commit(self, progress: Progress) -> None:
        text = encode(progress)
        if self.metadata_bytes is not None and len(text) > self.metadata_bytes:
            raise Violation(f"The metadata of a commit is too large for the broker: {len(text)} bytes.")
        if progress.offset < self.committed:
            raise Violation(f"Offset {progress.offset} is committed after offset {self.committed}.")
        self.committed, self.metadata = progress.offset, text


class Assignment:
    """From a takeover to the next. An acknowledgement counts for the assignment that it came from, no later one."""

    def __init__(self, partition: Partition) -> None:
        """Takes the partition over: its next attempt is committed before any record of it is delivered."""
        last = decode(partition.committed, partition.metadata)
        self._written = replace(last, attempt=last.attempt + 1)
        partition.generation += 1
        partition.commit(self._written)
        self.partition, self.generation = partition, partition.generation
        self.attempt, self.position = self._written.attempt, last.offset
        self.resumed = self._written
        self.ledger = OffsetLedger(self._written)
        self._window = None if partition.metadata_bytes is None else window(partition.metadata_bytes)
        self._acknowledged: set[int] = set()
        self._moved: dict[int, list[int]] = {}  # the copies of a record in hand, the one that counts last
        self._copies: dict[int, int] = {}  # and of which record each is one

    @property
    def lost(self) -> bool:
        """Another instance owns the partition by now, whether this one has noticed or not."""
        return self.generation != self.partition.generation

    @property
    def readable(self) -> bool:
        """Whether a record is there and may be taken: a commit must be able to describe all that is in hand."""
        if self.position == len(self.partition.log):
            return False
        return self._window is None or self.ledger.admits(self.position, self._window)

    def read(self) -> int | None:
        """Reads on by one record. Its offset; None where it was done before the takeover."""
        offset, self.position = self.position, self.position + 1
        if not self.ledger.arrived(offset):
            return None
        if offset in self.partition.done and not self.lost:
            raise Violation(f"Offset {offset} was committed as done and came again.")
        if (first := self._copies.get(offset)) is None:
            return offset
        if first not in self._moved:  # done meanwhile
            self._done(offset)
        return None

    def acknowledge(self, offset: int) -> None:
        for one in (offset, *self._moved.pop(offset, ())):
            if one < self.position:
                self._done(one)

    def relocate(self) -> int | None:
        """Sends the oldest record in hand again, to the end of the partition, and is done with the first. Its offset.

        The copy is no news here, as it stands for that record; a later owner reads it like any other. The runtime does
        so with what holds its partition up; here a few records of each assignment are as good.
        """
        oldest = self.ledger.oldest
        if oldest is None or len(self._copies) == RELOCATIONS:
            return None
        first, log = self._copies.get(oldest, oldest), self.partition.log
        self._copies[len(log)] = first
        self._moved.setdefault(first, []).append(len(log))
        log.append(log[oldest])
        self._done(oldest)
        return oldest

    def place(self, offset: int) -> int:
        """Where a record in hand lies by now."""
        return self._moved.get(offset, [offset])[-1]

    def _done(self, offset: int) -> None:
        self.ledger.acknowledge(offset)
        self._acknowledged.add(offset)

    def commit(self) -> bool:
        """Writes what has changed, unless the partition is lost (Kafka refuses an old generation)."""
        progress = self.ledger.progress(self.attempt)
        if self.lost or progress is None or progress == self._written:
            return False
        self.partition.commit(progress)
        self.partition.done |= self._acknowledged
        self._acknowledged.clear()
        self._written = progress
        return True
