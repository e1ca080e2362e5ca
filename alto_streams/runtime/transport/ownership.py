"""A partition while it is ours, and the records that came from it."""

from __future__ import annotations

from collections import deque
from time import time_ns
from typing import Any

from faust.types import TP, ConsumerMessage

from alto_streams.offsets import OffsetLedger
from alto_streams.progress import Progress


class Ownership:
    """One partition from its takeover to its revocation. Taken over again, it is another ownership.

    `handed` and `handed_bytes` are written by the polling thread alone, `taken` and `taken_bytes` by the event loop
    alone: their difference, what waits in between, needs no lock.
    """

    __slots__ = (
        "attempt",
        "behind",
        "committed",
        "handed",
        "handed_bytes",
        "lane",
        "ledger",
        "live",
        "paused",
        "ready",
        "taken",
        "taken_bytes",
        "tp",
        "waiting",
    )

    def __init__(self, tp: TP, resumed: Progress) -> None:
        self.tp = tp
        self.attempt = resumed.attempt
        self.ledger = OffsetLedger(resumed)
        self.committed = resumed
        self.lane: Any = None  # where its records go
        self.waiting: deque[Record] = deque()  # delivered to no stream yet
        self.live = True  # False from the revocation on: nothing more of it reaches a stream
        self.ready = False  # the application has been told of the partition
        self.behind = False  # the oldest record in hand is so far behind the newest that a commit would not hold them
        self.paused = True
        self.handed = self.handed_bytes = self.taken = self.taken_bytes = 0

    def crowded(self, records: int, size: int) -> bool:
        """Whether more than so many records, or bytes, wait for the stream."""
        return self.handed - self.taken > records or self.handed_bytes - self.taken_bytes > size


class Record(ConsumerMessage):
    """A Faust message that knows the ownership it came under; its generation_id is the partition's attempt.

    `received` is when it came from librdkafka, in ns since the Unix epoch.
    """

    __slots__ = ("owner", "received", "size")

    def __init__(self, owner: Ownership, message: Any) -> None:
        # Every attribute of Faust's Message, without its argument list: this runs for each record.
        self.owner = owner
        self.received = time_ns()
        self.tp = tp = owner.tp
        self.topic, self.partition = tp
        self.offset = message.offset()
        kind, milliseconds = message.timestamp()
        self.timestamp_type = kind - 1  # Faust has 0 for the producer's time and 1 for the broker's
        self.timestamp = milliseconds / 1000
        self.headers = message.headers()
        self.key = key = message.key()
        self.value = value = message.value()
        self.serialized_key_size = 0 if key is None else len(key)
        self.serialized_value_size = 0 if value is None else len(value)
        self.size = self.serialized_key_size + self.serialized_value_size
        self.checksum = self.time_in = self.time_out = self.time_total = None
        self.acked = self.tracked = False
        self.refcount = 0
        self.generation_id = owner.attempt

    def take(self, copies: int = 1) -> None:
        """Leaves the buffer: a stream has it now, or nobody wants it."""
        self.owner.taken += copies
        self.owner.taken_bytes += copies * self.size

    def ack(self, consumer: Any, n: int = 1) -> bool:
        """True when this was the last of the streams that had it."""
        if self.acked:
            return False
        self.refcount -= n
        if self.refcount > 0:
            return False
        return bool(consumer.ack(self))
