"""The limit: a bare confluent-kafka loop that copies one topic to another. Run by perf.hop, until it is killed."""

from __future__ import annotations

import sys
import time
from typing import Any

from confluent_kafka import Consumer, Message, Producer

COMMIT_EVERY_MS = 500
DRAIN = 1000


def main(brokers: str, inbox: str, outbox: str) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": inbox,
            "auto.offset.reset": "earliest",
            "auto.commit.interval.ms": COMMIT_EVERY_MS,
            "session.timeout.ms": 10_000,
            "socket.nagle.disable": True,
        }
    )
    producer = Producer({"bootstrap.servers": brokers, "linger.ms": 0, "socket.nagle.disable": True})
    consumer.subscribe([inbox], on_assign=_owned)
    while True:
        # poll() returns with the first record; consume(n, timeout) alone would wait for n.
        first = consumer.poll(1.0)
        if first is None:
            continue
        _send(producer, outbox, first)
        for message in consumer.consume(DRAIN, 0):
            _send(producer, outbox, message)
        producer.poll(0)


def _send(producer: Producer, outbox: str, message: Message) -> None:
    error = message.error()
    if error is not None:
        raise SystemExit(f"{message.topic()}: {error.str()}")
    while True:
        try:
            producer.produce(outbox, message.value(), message.key(), headers=message.headers())
            return
        except BufferError:  # its queue is full: let deliveries make room
            producer.poll(0.01)


def _owned(_consumer: Any, partitions: list[Any]) -> None:
    if partitions:
        print(f"owned {time.process_time()}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
