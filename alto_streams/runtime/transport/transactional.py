"""A producer whose records count only as long as no other has opened the same name: Kafka fences the one before.

What is sent is in the topic, for readers of committed records, when its transaction is: all of it or nothing. See
https://kafka.apache.org/documentation/#semantics and KIP-98.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Producer as KafkaProducer

from alto_streams.errors import BrokerError
from alto_streams.known_brokers import KnownBrokers
from alto_streams.runtime.transport.configuration import configured

TRANSACTION_TIMEOUT_MS = 10_000  # after which Kafka takes back what a dead producer left open, where none follows it
OPEN_WITHIN_S = 30.0
WRITE_WITHIN_S = 120.0  # a transaction, in all its tries: what a plain producer gives a record
TRY_AGAIN_S, TRY_AGAIN_AT_MOST_S = 0.1, 2.0  # doubled with each try
WATCH_EVERY_S = 3.0
GIVEN_UP_WITHIN_S = 30.0  # by then Kafka's group has told who was fenced that it owns nothing any more
FENCED = (KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH)

Told = Callable[[BaseException | None], object]
Job = tuple[Callable[[], None], "asyncio.Future[None]"]

_log = logging.getLogger(__name__)


class Fenced(Exception):
    """Another producer has opened the name since: Kafka takes nothing more from this one."""


class TransactionalProducer:
    """Open it, post to it, close it. What is posted while a transaction is under way goes with the next.

    `broken` is called, on the event loop, where it is of no use any more for another reason than being fenced.
    """

    def __init__(self, settings: dict[str, Any], name: str, broken: Callable[[BrokerError], object]) -> None:
        """`settings` are those of a plain producer. Raises SettingError where librdkafka refuses them."""
        self.name, self._broken = name, broken
        self._known = KnownBrokers()
        own = {
            "transactional.id": name,
            "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
            "delivery.timeout.ms": TRANSACTION_TIMEOUT_MS,  # librdkafka wants it no longer
            "enable.idempotence": True,
            "acks": "all",
            "log_level": 0,  # what goes wrong is raised; that it is fenced is no emergency
        }
        self._kafka = configured(KafkaProducer, {**settings, **self._known.settings, **own})
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        # librdkafka's calls block. A daemon, so that none of them keeps the process from its end.
        threading.Thread(target=self._work, name=name, daemon=True).start()
        self._posted: list[tuple[dict[str, Any], Told]] = []
        self._writing: asyncio.Task[None] | None = None
        self._writing_since = 0.0
        self._failed: BaseException | None = None  # for good: librdkafka goes on with no transaction after that
        self._failed_at = 0.0
        self._closed = False
        self._watching = self._loop.call_later(WATCH_EVERY_S, self._watch)

    async def open(self) -> None:
        """Returns when whoever had the name is fenced, and what it began is committed or taken back. Raises
        BrokerError."""
        try:
            async with asyncio.timeout(OPEN_WITHIN_S):
                await self._in_thread(self._init)
        except TimeoutError:
            raise self._error("no answer") from None
        except KafkaException as error:
            raise self._refusal(error) from None

    def post(
        self, topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]], told: Told
    ) -> None:
        """`told` is called on the event loop with None when readers have it; with Fenced, or what else kept it away.

        Once closed, nobody is told anything.
        """
        self._posted.append(({"topic": topic, "key": key, "value": value, "headers": headers}, told))
        if self._writing is None:
            self._writing = self._loop.create_task(self._write())

    def close(self) -> None:
        """What is not committed by then is of no interest any more."""
        self._closed = True
        self._posted.clear()
        self._watching.cancel()
        self._jobs.put(None)

    async def _write(self) -> None:
        while self._posted and not self._closed:
            batch, self._posted = self._posted, []
            self._writing_since = time.monotonic()
            try:
                if self._failed is None:
                    await self._in_thread(partial(self._commit, [record for record, _ in batch]))
            except KafkaException as error:
                self._failed = Fenced(self.name) if error.args[0].code() in FENCED else self._refusal(error)
                self._failed_at = time.monotonic()
            except Exception as error:
                self._failed = self._error(repr(error))
            self._writing_since = 0.0
            for _, told in () if self._closed else batch:
                told(self._failed)
        self._writing = None

    def _watch(self) -> None:
        """A client that is not polled keeps its statistics for ever; one that is of no use must not go unnoticed."""
        self._kafka.poll(0)
        now, fenced = time.monotonic(), isinstance(self._failed, Fenced)
        if self._known.forgotten:
            self._broken(self._known.error(f"producer {self.name}"))
        elif self._writing_since and now > self._writing_since + WRITE_WITHIN_S:
            self._broken(self._error(f"none came through within {WRITE_WITHIN_S:.0f} s"))
        elif fenced and now > self._failed_at + GIVEN_UP_WITHIN_S:
            said = (
                f"Another process has opened the transactions of '{self.name}', but its partition is still owned here."
            )
            self._broken(BrokerError(said, "run only one stack of a pipeline with these brokers"))
        else:
            self._watching = self._loop.call_later(WATCH_EVERY_S, self._watch)

    # In the thread. These calls take no limit: librdkafka (2.16) may take the late answer of one that ran out of its
    # time for the answer of the next.

    def _init(self) -> None:
        """librdkafka limits this one itself, to the time of a transaction."""
        while True:
            try:
                self._kafka.init_transactions()
                return
            except KafkaException as error:
                if not error.args[0].retriable() or self._closed:
                    raise
            time.sleep(TRY_AGAIN_S)

    def _commit(self, records: list[dict[str, Any]]) -> None:
        pause = TRY_AGAIN_S
        while True:
            self._kafka.begin_transaction()
            for record in records:
                self._kafka.produce(**record)
            try:
                self._kafka.commit_transaction()
                return
            except KafkaException as error:
                if error.args[0].fatal() or self._closed:
                    raise
                _log.warning("%s: a transaction is tried again: %s", self.name, error.args[0].str())
            self._kafka.abort_transaction()
            time.sleep(pause)
            pause = min(2 * pause, TRY_AGAIN_AT_MOST_S)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            call, done = job
            try:
                call()
            except BaseException as error:
                self._answer(done, error)
            else:
                self._answer(done, None)
        del self._kafka  # librdkafka takes its time to end a client

    def _answer(self, done: asyncio.Future[None], error: BaseException | None) -> None:
        with suppress(RuntimeError):  # the event loop has ended
            self._loop.call_soon_threadsafe(_settle, done, error)

    def _in_thread(self, call: Callable[[], None]) -> asyncio.Future[None]:
        done: asyncio.Future[None] = self._loop.create_future()
        self._jobs.put((call, done))
        return done

    def _refusal(self, error: KafkaException) -> BrokerError:
        if error.args[0].code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
            return self._error(error.args[0].str(), f"allow Write and Describe on the transactional id '{self.name}'")
        return self._error(error.args[0].str())

    def _error(
        self, why: str, mend: str = "check the broker; a lone one needs transaction.state.log.replication.factor=1"
    ) -> BrokerError:
        return BrokerError(f"Kafka does not take the transactions of '{self.name}': {why}.", mend)


def _settle(done: asyncio.Future[None], error: BaseException | None) -> None:
    if done.done():  # nobody waits any more
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
