"""The producer that Faust sees: librdkafka's, idempotent, its delivery reports collected on the event loop.

No thread: while deliveries are outstanding the loop looks for reports, soon after the first record and then less and
less often, and never otherwise. Nothing but acknowledgements waits for them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, KafkaError, KafkaException
from confluent_kafka import Producer as KafkaProducer
from faust.exceptions import ProducerSendError
from faust.transport import base
from faust.types import TP
from faust.types.tuples import RecordMetadata

from alto_streams.errors import SettingError
from alto_streams.known_brokers import KnownBrokers
from alto_streams.runtime.transport.configuration import configured, producer_settings
from alto_streams.runtime.transport.declare import create_topic

LOOK_FIRST_S = 0.001  # after a record that was sent while none was outstanding
LOOK_SELDOM_S = 0.008  # each look doubles the time to the next, up to this
HAND_OVER_EVERY_S = 0.004  # what is posted within goes together: fewer requests, for us and the broker
CROWD = 1000  # records that wait to be handed over
PARTITION_LIMIT_S = 10.0  # how long a partition that nobody knows may take to appear
FLUSH_AT_STOP_S = 30.0
WATCH_EVERY_S = 3.0

Told = Callable[[ProducerSendError | None], object]

_log = logging.getLogger(__name__)


class Batch:
    """What was sent between two flushes."""

    __slots__ = ("closed", "done", "pending")

    def __init__(self, done: asyncio.Future[None]) -> None:
        self.pending, self.closed, self.done = 0, False, done


class Producer(base.Producer):
    """`send`, which Faust calls, returns when the record is queued; its future is done when Kafka has the record.

    `post` is for whoever sends much: it takes no coroutine and no future for each record.
    """

    async def on_start(self) -> None:
        await super().on_start()
        callbacks = {"error_cb": self._on_error, "logger": _log}
        self._known = KnownBrokers()
        settings = {**self._known.settings, **producer_settings(self.app), **callbacks}
        self._kafka = configured(KafkaProducer, settings)
        self._running = asyncio.get_running_loop()
        self._watching = self._running.call_later(WATCH_EVERY_S, self._watch)
        self._batches = [Batch(self._running.create_future())]
        self._outstanding, self._look_in = 0, LOOK_FIRST_S
        self._looking: asyncio.TimerHandle | None = None
        self._posted: deque[tuple[str, dict[str, Any]]] = deque()
        self._handing_over: asyncio.Handle | None = None
        self._hand_over_at = 0.0
        self._later: set[asyncio.Task[None]] = set()  # the event loop itself holds no task
        # Faust gives the event loop three turns in every topic.send, to start a producer that is started.
        self.app.maybe_start_producer = self._itself

    async def _itself(self) -> Producer:
        return self

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
        *,
        transactional_id: str | None = None,
    ) -> asyncio.Future[RecordMetadata]:
        """Raises ProducerSendError where the record cannot be queued: too large, or its partition does not exist.

        The future fails with ProducerSendError where Kafka does not take it within `delivery.timeout.ms`.
        """
        if self._handing_over is not None:
            self._handing_over.cancel()
            self._hand_over()
        future: asyncio.Future[RecordMetadata] = self._running.create_future()
        batch = self._batches[-1]
        options: dict[str, Any] = {"value": value, "key": key, "on_delivery": partial(self._delivered, future, batch)}
        if partition is not None:
            options["partition"] = partition
        if timestamp is not None:
            options["timestamp"] = int(timestamp * 1000)
        if headers:
            options["headers"] = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        batch.pending += 1
        self._outstanding += 1
        try:
            await self._enqueue(topic, options)
        except BaseException:  # also a cancellation: a flush would wait for this record
            self._drop(batch)
            raise
        self._look_soon()
        return future

    def post(
        self, topic: str, key: bytes | None, value: bytes | None, partition: int | None, headers: Any, told: Told
    ) -> None:
        """Sends a record; `told` is called on the event loop with None when Kafka has it, or with what kept it away.

        The first record after a pause goes with the others of this turn of the event loop, what comes soon after that
        goes together a little later. Records for one partition keep their order.
        """
        batch = self._batches[-1]
        batch.pending += 1
        self._outstanding += 1
        options = {
            "value": value,
            "key": key,
            "partition": -1 if partition is None else partition,
            "headers": headers,
            "on_delivery": partial(self._told, told, batch),
        }
        self._posted.append((topic, options))
        if self._handing_over is None:
            self._handing_over = self._running.call_at(self._hand_over_at, self._hand_over)

    @property
    def crowded(self) -> bool:
        """Whether who posts had better wait for `room`."""
        return len(self._posted) > CROWD

    async def room(self) -> None:
        """Returns when librdkafka has taken what was posted."""
        while self.crowded:  # noqa: ASYNC110 - so seldom that nobody is told when it is over
            await asyncio.sleep(HAND_OVER_EVERY_S)

    def _hand_over(self) -> None:
        """Queues what was posted, as far as there is room."""
        self._handing_over = None
        self._hand_over_at = self._running.time() + HAND_OVER_EVERY_S
        while self._posted:
            topic, options = self._posted.popleft()
            try:
                self._kafka.produce(topic, **options)
            except BufferError:
                self._posted.appendleft((topic, options))
                self._handing_over = self._running.call_at(self._hand_over_at, self._hand_over)
                break
            except KafkaException:
                later = self._running.create_task(self._queue_later(topic, options))
                self._later.add(later)
                later.add_done_callback(self._later.discard)
        self._look_soon()

    async def _queue_later(self, topic: str, options: dict[str, Any]) -> None:
        """A partition that was added a moment ago may be unknown still."""
        try:
            await self._enqueue(topic, options)
        except ProducerSendError as error:
            options["on_delivery"](error, None)

    def _told(self, told: Told, batch: Batch, error: Any, message: Any) -> None:
        self._drop(batch)
        if error is None:
            told(None)
            return
        if not isinstance(error, ProducerSendError):
            error = ProducerSendError(_say(message.topic(), error))
        _log.error("A record was not delivered: %s", error)
        told(error)

    async def send_and_wait(self, *arguments: Any, **options: Any) -> RecordMetadata:
        """Returns where the record lies. Raises ProducerSendError."""
        return await (await self.send(*arguments, **options))

    async def reach(self, topic: str, limit_s: float) -> None:
        """Asks Kafka for a topic's metadata. Raises KafkaException where no answer comes within `limit_s` seconds."""
        await asyncio.to_thread(self._kafka.list_topics, topic, limit_s)

    async def flush(self) -> None:
        """Returns when everything sent up to now is delivered or has failed."""
        if not self.started:
            return
        if self.buffer.size:
            await self.buffer.flush()
        if self._handing_over is not None:
            self._handing_over.cancel()
            self._hand_over()
        if self._batches[-1].pending:
            self._batches[-1].closed = True
            self._batches.append(Batch(self._running.create_future()))
        for batch in self._batches[:-1]:
            await asyncio.shield(batch.done)
        self._batches = [batch for batch in self._batches if not batch.done.done()]

    async def on_stop(self) -> None:
        """Delivers what is queued."""
        self._watching.cancel()
        try:
            await asyncio.wait_for(self.flush(), 0 if self._known.forgotten else FLUSH_AT_STOP_S)
        except TimeoutError:
            if self._outstanding:
                _log.error("%d records were not delivered before the stop; Kafka does not answer.", self._outstanding)
        if self._looking is not None:
            self._looking.cancel()
        del self.app.maybe_start_producer

    async def create_topic(self, topic: str, partitions: int, replication: int, **options: Any) -> None:
        await asyncio.to_thread(create_topic, producer_settings(self.app), topic, partitions, replication, **options)

    def key_partition(self, topic: str, key: bytes) -> TP:
        raise SettingError(
            f"The partition of a record for topic {topic} is not known before it is sent: librdkafka chooses it.",
            "leave eager_partitioning out, or give the partition",
        )

    def supports_headers(self) -> bool:
        return True

    async def _enqueue(self, topic: str, options: dict[str, Any]) -> None:
        """Waits for room in the queue, or for a partition that was added a moment ago."""
        until = 0.0
        while True:
            try:
                self._kafka.produce(topic, **options)
                return
            except BufferError:
                self._look()
                await asyncio.sleep(0.005)
            except KafkaException as error:
                until = until or time.monotonic() + PARTITION_LIMIT_S
                if error.args[0].code() != KafkaError._UNKNOWN_PARTITION or time.monotonic() > until:
                    raise ProducerSendError(_say(topic, error, options.get("partition"))) from error
                self._look()
                await asyncio.to_thread(self._refresh, topic)
                await asyncio.sleep(0.05)

    def _refresh(self, topic: str) -> None:
        try:
            self._kafka.list_topics(topic, 5)
        except KafkaException as error:
            _log.info("No metadata of topic %s now: %s", topic, error)

    def _delivered(self, future: asyncio.Future[RecordMetadata], batch: Batch, error: Any, message: Any) -> None:
        self._drop(batch)
        if future.done():  # cancelled by who waited
            return
        if error is not None:
            _log.error("A record for topic %s was not delivered: %s", message.topic(), error.str())
            future.set_exception(ProducerSendError(_say(message.topic(), error)))
            return
        tp = TP(message.topic(), message.partition())
        kind, milliseconds = message.timestamp()
        stamp = None if kind == TIMESTAMP_NOT_AVAILABLE else milliseconds / 1000
        future.set_result(RecordMetadata(tp.topic, tp.partition, tp, message.offset(), stamp, kind - 1))

    def _drop(self, batch: Batch) -> None:
        self._outstanding -= 1
        batch.pending -= 1
        if batch.closed and not batch.pending:
            batch.done.set_result(None)

    def _look_soon(self) -> None:
        if self._looking is None:
            self._look_in = LOOK_FIRST_S
            self._look_later()

    def _look_later(self) -> None:
        self._looking = self._running.call_later(self._look_in, self._look)

    def _look(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        self._kafka.poll(0)
        if self._outstanding:
            self._look_in = min(2 * self._look_in, LOOK_SELDOM_S)
            self._look_later()

    def _watch(self) -> None:
        """Serves what comes while nothing is outstanding; a client that knows no brokers is of no use any more."""
        self._kafka.poll(0)
        if self._known.forgotten:
            self._crashing = self._running.create_task(self.crash(self._known.error("producer")))
        else:
            self._watching = self._running.call_later(WATCH_EVERY_S, self._watch)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._running.create_task(self.crash(KafkaException(error)))
        else:
            _log.info("Kafka: %s", error.str())


def _say(topic: str, error: Any, partition: int | None = None) -> str:
    reason = error.args[0].str() if isinstance(error, KafkaException) else error.str()
    where = f"topic {topic}" if partition is None else f"partition {partition} of topic {topic}"
    return f"Kafka does not take a record for {where}: {reason}."
