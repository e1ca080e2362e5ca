"""Records for the transport's tests, all at once or steadily from a thread, and what the broker knows of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from alto_streams.progress import decode
from topics.definitions import TopicDefinition
from topics.provision import LATEST, provision

IDEMPOTENT = {"enable.idempotence": True, "linger.ms": 5, "log_level": 0}
Record = tuple[int, int]  # partition and offset


def create(bootstrap: str, topic: str, partitions: int) -> None:
    """Makes the topic, or grows it."""
    provision(bootstrap, [TopicDefinition(topic, partitions)])


def fill(bootstrap: str, topic: str, partitions: int, records: int, value: bytes = b"") -> None:
    """Every record is stored when this returns."""
    producer = Producer({"bootstrap.servers": bootstrap, **IDEMPOTENT, "queue.buffering.max.messages": 1_000_000})
    for i in range(records):
        producer.produce(topic, value or str(i).encode(), str(i).encode(), partition=i % partitions)
        if i % 1000 == 0:
            producer.poll(0)
    assert producer.flush(60) == 0


def stored(bootstrap: str, topic: str, partitions: int) -> set[Record]:
    """Every record of a topic from which nothing was deleted."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    ends = admin.list_offsets({TopicPartition(topic, p): LATEST for p in range(partitions)})
    return {(tp.partition, offset) for tp, end in ends.items() for offset in range(end.result(10).offset)}


class Committed:
    """What a group has committed of one topic."""

    def __init__(self, bootstrap: str, group: str, topic: str) -> None:
        # Not the admin client: asked while the coordinator loads, it crashed the process now and then.
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "log_level": 0})
        try:
            partitions = consumer.list_topics(topic, 10).topics[topic].partitions
            found = consumer.committed([TopicPartition(topic, p) for p in partitions], 10)
        finally:
            consumer.close()
        self.offsets = {tp.partition: tp.offset for tp in found if tp.offset >= 0}
        self.metadata = {tp.partition: tp.metadata or "" for tp in found}

    def done(self) -> set[Record]:
        """Below the watermark, or acknowledged beyond it as the metadata says."""
        return {(p, offset) for p, end in self.offsets.items() for offset in self._done(p, end)}

    def _done(self, partition: int, watermark: int) -> set[int]:
        progress = decode(watermark, self.metadata[partition])
        return {o for o in range(max(watermark, progress.known)) if o < watermark or o not in progress.unfinished}


class SteadyLoad:
    """Sends `rate` records a second, round robin over `partitions`, which may be raised once they exist."""

    def __init__(self, bootstrap: str, topic: str, partitions: int, rate: float) -> None:
        self.partitions, self.sent, self.refused = partitions, 0, list[str]()
        self._bootstrap, self._topic, self._rate = bootstrap, topic, rate
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """Stops, and waits until the broker has stored every record."""
        self._stopped.set()
        self._thread.join(90)
        assert not self._thread.is_alive(), "the load cannot be delivered"
        assert not self.refused, self.refused[:3]

    def _run(self) -> None:
        producer = Producer({"bootstrap.servers": self._bootstrap, **IDEMPOTENT})
        known, begin = self.partitions, time.monotonic()
        while not self._stopped.is_set():
            if self.partitions != known:
                producer.list_topics(self._topic, 10)  # or the new partitions are unknown to this producer
                known = self.partitions
            while self.sent < (time.monotonic() - begin) * self._rate:
                text = str(self.sent).encode()
                producer.produce(self._topic, text, text, partition=self.sent % known, on_delivery=self._delivered)
                self.sent += 1
            producer.poll(0.002)
        if producer.flush(60):
            self.refused.append("not delivered in time")

    def _delivered(self, error: object, _message: Message) -> None:
        if error is not None:
            self.refused.append(str(error))


@contextmanager
def steady_load(bootstrap: str, topic: str, partitions: int, rate: float) -> Iterator[SteadyLoad]:
    """Load until `finish()`, or the end of the block."""
    load = SteadyLoad(bootstrap, topic, partitions, rate)
    load.start()
    try:
        yield load
    finally:
        load._stopped.set()
        load._thread.join(90)


def members(bootstrap: str, group: str) -> int:
    """How many members the broker counts."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    return len(admin.describe_consumer_groups([group])[group].result(10).members)
