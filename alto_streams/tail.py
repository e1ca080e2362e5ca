"""Follows whole topics from their ends: one thread, no consumer group, every partition, added ones included."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from alto_streams.errors import AltoError, BrokerError
from alto_streams.known_brokers import KnownBrokers

POLL_S = 0.1
REFRESH_S = 3.0
REFRESH_TIMEOUT_S = 2.0
ELECTION_POLL_S = 0.05
ELECTING = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE, KafkaError._UNKNOWN_PARTITION}

OnRecord = Callable[[bytes, Sequence[tuple[str, bytes]] | None, bytes], None]

_log = logging.getLogger("alto_streams.tail.kafka")
_log.addHandler(logging.NullHandler())
_log.propagate = False


class TopicTail:
    """Calls back for every record that arrives on `topics` once `open` has returned.

    `wanted` holds the keys worth a call; records with other keys are skipped undecoded. `on_record`, `on_turn` (called
    after each poll, at least every 0.1 s while the broker answers) and `on_lost` run in the tail's thread. `on_lost` is
    told, at most once for each loss, when no broker has answered for `patience_s` seconds or a topic is gone.
    """

    def __init__(
        self,
        brokers: str,
        topics: Sequence[str],
        wanted: Mapping[bytes, object],
        on_record: OnRecord,
        on_turn: Callable[[], object],
        on_lost: Callable[[AltoError], None],
        *,
        kafka: Mapping[str, Any] | None = None,
        patience_s: float = 10.0,
    ) -> None:
        self._brokers, self._topics, self._wanted = brokers, tuple(topics), wanted
        self._on_record, self._on_turn, self._on_lost = on_record, on_turn, on_lost
        self._kafka, self._patience_s = dict(kafka or {}), patience_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="alto-tail", daemon=True)
        self._begun: dict[tuple[str, int], int] = {}  # each partition that is followed, and from where

    def open(self, timeout_s: float) -> None:
        """Blocks until the ends of all partitions are known. Raises BrokerError when they cannot be had in time."""
        self._consumer = self._made()
        try:
            partitions = self._partitions(timeout_s)
            ends = [self._at_end(topic, index, timeout_s) for topic, index in partitions]
            self._consumer.assign(ends)
        except BaseException:
            self._consumer.close()
            raise
        self._begun = {(end.topic, end.partition): end.offset for end in ends}
        self._thread.start()

    def _made(self) -> Consumer:
        # Without a logger librdkafka prints each failed connection on stderr; the caller is told once, by the error.
        self._known = KnownBrokers()
        return Consumer(
            {
                "bootstrap.servers": self._brokers,
                "group.id": "alto-client",  # never joined nor committed to: partitions are assigned by hand
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "reconnect.backoff.max.ms": 1000,
                # A partition that is ready while a request for the others is under way waits for its end: by default
                # 500 ms, in which an outcome may overtake the items before it.
                "fetch.wait.max.ms": 100,
                "queued.max.messages.kbytes": 16384,
                **self._known.settings,
                **self._kafka,
            },
            logger=_log,
        )

    def _begin_anew(self) -> None:
        """Another consumer, which goes on where this one was."""
        reached = self._consumer.position([TopicPartition(topic, index) for topic, index in self._begun])
        for here in reached:
            if here.offset < 0:  # nothing has come
                here.offset = self._begun[here.topic, here.partition]
        self._consumer.close()
        self._consumer = self._made()
        self._consumer.assign(reached)

    def close(self) -> None:
        """Stops the thread and waits for it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _partitions(self, timeout_s: float) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        for topic in self._topics:
            try:
                described = self._consumer.list_topics(topic, timeout_s).topics[topic]
            except KafkaException as error:
                raise self._unreachable(error) from None
            if described.error is not None:
                raise BrokerError(
                    f"The broker at {self._brokers} has no usable topic {topic} ({described.error.str()}).",
                    "start the stack with `alto up`, or correct the pipeline's name",
                )
            found += [(topic, index) for index in described.partitions]
        return found

    def _at_end(self, topic: str, index: int, timeout_s: float) -> TopicPartition:
        until = time.monotonic() + timeout_s
        while True:
            try:
                offsets = self._consumer.get_watermark_offsets(TopicPartition(topic, index), timeout_s)
                break
            except KafkaException as error:
                # A leader that was just elected may not know it yet: a new topic, a restarted broker.
                if error.args[0].code() not in ELECTING or time.monotonic() > until:
                    raise self._unreachable(error) from None
                time.sleep(ELECTION_POLL_S)
        if offsets is None:
            raise BrokerError(
                f"The broker at {self._brokers} did not tell the end of {topic}, partition {index}, in time.",
                "look at the broker's log; a partition may have no leader",
            )
        return TopicPartition(topic, index, offsets[1])

    def _follow(self) -> None:
        answered = refreshed = time.monotonic()
        told = False
        try:
            while not self._stop.is_set():
                message = self._consumer.poll(POLL_S)
                # Errors are librdkafka's to retry; the refresh below notices those that last.
                if message is not None and message.error() is None:
                    key = message.key()
                    if isinstance(key, bytes) and key in self._wanted:
                        self._on_record(key, message.headers(), message.value() or b"")  # type: ignore[arg-type]
                self._on_turn()
                if self._known.forgotten:
                    self._begin_anew()
                if time.monotonic() - refreshed < REFRESH_S:
                    continue
                refreshed = time.monotonic()
                try:
                    self._add_partitions()
                    answered, told = time.monotonic(), False
                except BrokerError as error:
                    if not told and time.monotonic() - answered > self._patience_s:
                        told = True
                        self._on_lost(error)
                refreshed = time.monotonic()
        except Exception as error:
            self._on_lost(AltoError(f"The reader of {', '.join(self._topics)} broke: {error!r}."))
        finally:
            self._consumer.close()

    def _add_partitions(self) -> None:
        added = set(self._partitions(REFRESH_TIMEOUT_S)) - self._begun.keys()
        if added:
            # A partition that came after the tail opened holds nothing older than the tail.
            self._consumer.incremental_assign([TopicPartition(topic, index, 0) for topic, index in sorted(added)])
            self._begun |= dict.fromkeys(added, 0)

    def _unreachable(self, error: KafkaException) -> BrokerError:
        return BrokerError(
            f"No Kafka broker answers at {self._brokers} ({error.args[0].str()}).",
            "start one with `alto up`, or correct ALTO_BROKERS",
        )
