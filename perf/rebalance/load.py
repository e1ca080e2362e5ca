"""A steady load over all partitions of one topic, from a thread; each record carries when it was sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Message, Producer

from perf.rebalance.crew import RebalanceError

STORE_LIMIT_S = 30.0
QUIET = {"log_level": 3}  # librdkafka tells of added partitions otherwise


class SteadyLoad:
    """`rate` records a second, in turn over `partitions`. Raise that number once they are created."""

    def __init__(self, brokers: str, topic: str, partitions: int, rate: float) -> None:
        self.partitions = partitions
        self._topic, self._rate = topic, rate
        self._producer = Producer({"bootstrap.servers": brokers, "linger.ms": 0, "enable.idempotence": True, **QUIET})
        self._stored: dict[int, int] = {}
        self._refused = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._producer.list_topics(self._topic, 10)
        self._thread.start()

    def stop(self) -> dict[int, int]:
        """Partition -> how many records the broker has. Raises RebalanceError when it refused some."""
        self._stopping.set()
        self._thread.join(STORE_LIMIT_S)
        if self._refused or self._producer.flush(STORE_LIMIT_S):
            raise RebalanceError(f"{self._topic}: the load could not be stored.", "see the broker's log")
        return self._stored

    def _run(self) -> None:
        known, sent, begun = self.partitions, 0, time.monotonic()
        while not self._stopping.is_set():
            if self.partitions > known:
                found = self._producer.list_topics(self._topic, 10)  # or the new partitions are unknown to it
                known = len(found.topics[self._topic].partitions)
            while sent < (time.monotonic() - begun) * self._rate:
                value = f"{time.monotonic():.6f}".encode()
                self._producer.produce(self._topic, value, partition=sent % known, on_delivery=self._delivered)
                sent += 1
            self._producer.poll(0.002)

    def _delivered(self, error: object, message: Message) -> None:
        partition = message.partition()
        if error is not None or partition is None:
            self._refused += 1
        else:
            self._stored[partition] = self._stored.get(partition, 0) + 1


@contextmanager
def steady_load(brokers: str, topic: str, partitions: int, rate: float) -> Iterator[SteadyLoad]:
    """Load until `stop()`, or the end of the block."""
    load = SteadyLoad(brokers, topic, partitions, rate)
    load.start()
    try:
        yield load
    finally:
        load._stopping.set()
        load._thread.join(STORE_LIMIT_S)
