"""Reads routing tables: all there are at the start of a worker, and each new one as it is published."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from alto_streams.errors import BrokerError
from alto_streams.known_brokers import KnownBrokers
from alto_streams.routing import RoutingTable
from topics import names


def _consumer(brokers: str, topic: str, settings: Mapping[str, Any] | None = None) -> Consumer:
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": f"{topic}.readers",
            "enable.auto.commit": False,
            "log_level": 0,
            **(settings or {}),
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    return consumer


def _table(message: Message) -> RoutingTable | None:
    """None for a record that is no table: one bad record must not stop the workers."""
    try:
        return RoutingTable.from_json(message.value() or b"")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def read_tables(brokers: str, pipeline: str, timeout: float = 10.0) -> list[RoutingTable]:
    """All tables published so far. Raises BrokerError where they cannot be read within `timeout` seconds."""
    topic = names.routing(pipeline)
    consumer = _consumer(brokers, topic)
    until = time.monotonic() + timeout
    tables: list[RoutingTable] = []
    try:
        end = _end(consumer, topic, until)
        while end > 0 and time.monotonic() < until:
            position = consumer.position([TopicPartition(topic, 0)])[0].offset
            if position >= end:
                break
            message = consumer.poll(0.1)
            if message is not None and message.error() is None:
                table = _table(message)
                tables += [table] if table else []
        else:
            if end > 0:
                raise BrokerError(f"The routing topic '{topic}' could not be read to its end.", "check the broker")
    except KafkaException as error:
        raise BrokerError(
            f"The routing topic '{topic}' cannot be read at {brokers}: {error.args[0].str()}.",
            "check ALTO_BROKERS, and that the topics are provisioned (alto up)",
        ) from None
    finally:
        consumer.close()
    return tables


def _end(consumer: Consumer, topic: str, until: float) -> int:
    """The topic's end. A topic that has just been made has no leader for a moment, so it asks again."""
    while True:
        try:
            _, end = consumer.get_watermark_offsets(
                TopicPartition(topic, 0), timeout=max(0.1, until - time.monotonic())
            )
            return int(end)
        except KafkaException as error:
            if not error.args[0].retriable() and error.args[0].code() != KafkaError.NOT_LEADER_FOR_PARTITION:
                raise
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


class TableFollower:
    """A thread that calls `learn` (from that thread) with every table, the old ones included. Stop it with `close`."""

    def __init__(self, brokers: str, pipeline: str, learn: Callable[[RoutingTable], None]) -> None:
        self._brokers, self._topic, self._learn = brokers, names.routing(pipeline), learn
        self._known = KnownBrokers()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="routing-tables", daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        while not self._stopped.is_set():
            self._known = KnownBrokers()
            consumer = _consumer(self._brokers, self._topic, self._known.settings)
            while not self._stopped.is_set() and not self._known.forgotten:
                message = consumer.poll(0.5)
                if message is not None and message.error() is None:
                    table = _table(message)
                    if table is not None:
                        self._learn(table)
            consumer.close()

    def close(self) -> None:
        self._stopped.set()
        self._thread.join(5)
