"""The other side of the echo, a process of its own: fills the inbox, or sends at a steady rate and times the answers.

`python -m perf.hop.generator preload BROKERS INBOX RECORDS`
`python -m perf.hop.generator latency BROKERS INBOX OUTBOX RATE WARM_UP_S SECONDS` prints milliseconds as a JSON list.
"""

from __future__ import annotations

import gc
import json
import sys
import threading
import time

from confluent_kafka import Consumer, Producer, TopicPartition

from perf.hop.records import number_of, record

ANSWERS_LIMIT_S = 10.0
FLUSH_LIMIT_S = 60.0


def preload(brokers: str, inbox: str, records: int) -> None:
    producer = Producer({"bootstrap.servers": brokers, "linger.ms": 50, "batch.num.messages": 2000})
    for number in range(records):
        key, value, headers = record(number)
        while True:
            try:
                producer.produce(inbox, value, key, headers=headers)
                break
            except BufferError:
                producer.poll(0.05)
    if producer.flush(FLUSH_LIMIT_S):
        raise SystemExit(f"{inbox}: not every record was delivered within {FLUSH_LIMIT_S:.0f} s")


class OpenLoop:
    """Sends on schedule whatever comes back; a record's latency counts from when it should have been sent."""

    def __init__(self, brokers: str, inbox: str, outbox: str, rate: float, records: int) -> None:
        self._inbox, self._records, self._interval = inbox, records, 1 / rate
        self._producer = Producer({"bootstrap.servers": brokers, "linger.ms": 0, "socket.nagle.disable": True})
        self._producer.list_topics(inbox, timeout=10)  # or the first record pays for the connection
        self._consumer = Consumer({"bootstrap.servers": brokers, "group.id": outbox, "socket.nagle.disable": True})
        self._consumer.assign([TopicPartition(outbox, 0, 0)])
        self._begun = time.perf_counter()
        self.seconds: dict[int, float] = {}

    def run(self) -> None:
        reader = threading.Thread(target=self._read)
        self._begun = time.perf_counter() + 0.2
        reader.start()
        for number in range(self._records):
            wait = self._due(number) - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            key, value, headers = record(number)
            self._producer.produce(self._inbox, value, key, headers=headers)
            self._producer.poll(0)
        self._producer.flush(ANSWERS_LIMIT_S)
        reader.join()
        self._consumer.close()

    def _due(self, number: int) -> float:
        return self._begun + number * self._interval

    def _read(self) -> None:
        until = self._due(self._records) + ANSWERS_LIMIT_S
        while len(self.seconds) < self._records and time.perf_counter() < until:
            message = self._consumer.poll(0.5)
            now = time.perf_counter()
            if message is not None and message.error() is None:
                number = number_of(message.key() or b"")
                self.seconds.setdefault(number, now - self._due(number))


def latency(brokers: str, inbox: str, outbox: str, rate: float, warm_up_s: float, seconds: float) -> None:
    warm, records = round(rate * warm_up_s), round(rate * (warm_up_s + seconds))
    gc.freeze()
    gc.disable()
    loop = OpenLoop(brokers, inbox, outbox, rate, records)
    loop.run()
    missing = records - len(loop.seconds)
    if missing:
        raise SystemExit(f"{outbox}: {missing} of {records} records did not come back within {ANSWERS_LIMIT_S:.0f} s")
    print(json.dumps([round(loop.seconds[number] * 1000, 4) for number in range(warm, records)]))


if __name__ == "__main__":
    what, brokers, inbox, *rest = sys.argv[1:]
    if what == "preload":
        preload(brokers, inbox, int(rest[0]))
    else:
        latency(brokers, inbox, rest[0], *map(float, rest[1:]))
