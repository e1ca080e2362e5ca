"""The consumer that Faust sees: it hands records to the streams, takes acknowledgements, commits."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Iterable
from typing import Any

from confluent_kafka import KafkaError, TopicPartition
from faust.exceptions import ConsumerNotStarted
from faust.sensors import Monitor
from faust.types import TP
from faust.types.enums import ProcessingGuarantee

from alto_streams.errors import SettingError
from alto_streams.progress import Progress, encode, window
from alto_streams.runtime.transport.clock import clock_s
from alto_streams.runtime.transport.configuration import BATCH, BUFFERED_RECORDS, METADATA_BYTES, consumer_settings
from alto_streams.runtime.transport.delivery import Dispatcher
from alto_streams.runtime.transport.ownership import Ownership, Record
from alto_streams.runtime.transport.poller import Poller, metadata_refused
from alto_streams.runtime.transport.stateless import StatelessConsumer, refuse

# What is in hand of one partition may not spread further than a commit can describe. What was handed over before the
# partition is held back still comes on top.
FURTHEST = window(METADATA_BYTES) - BUFFERED_RECORDS - 2 * BATCH


class Consumer(StatelessConsumer):
    """Partitions come and go one by one: what stays is not disturbed, which is why Faust's own handling of a
    rebalance (stop everything, seek everything) is passed over."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._app: Any = self.app  # beyond Faust's declared interface
        self._owners: dict[TP, Ownership] = {}
        self._poller: Poller | None = None
        self._rebalance = asyncio.Lock()
        self._answer: asyncio.Future[tuple[KafkaError | None, list[TopicPartition]]] | None = None
        self.dispatcher = Dispatcher(self.app, self)
        self._loop_thread = 0
        self.confirmed_s = -math.inf  # when the last commit that Kafka took was begun, by clock_s

    async def on_start(self) -> None:
        self._refuse_what_is_not_carried()
        if not self.app.conf.web_enabled and type(self.app.monitor) is Monitor and self.app.monitor in self.app.sensors:
            self.app.sensors.remove(self.app.monitor)  # it feeds Faust's web pages and nothing else
        self._loop_thread = threading.get_ident()
        self._poller = Poller(consumer_settings(self.app), self, asyncio.get_running_loop())
        self.app.flow_control.resume()
        await super().on_start()

    def _refuse_what_is_not_carried(self) -> None:
        guarantee = self._app.conf.processing_guarantee
        declared = {
            f"tables ({', '.join(sorted(self.app.tables))})": len(self.app.tables) > 0,
            "processing_guarantee='exactly_once'": guarantee is ProcessingGuarantee.EXACTLY_ONCE,
            "a client without a consumer group (start_client)": self.app.client_only,
        }
        for what, asked in declared.items():
            if asked:
                raise SettingError(
                    f"The alto:// transport does not carry {what}, which the app '{self.app.conf.id}' asks for.",
                    "use a kafka:// broker URL for this app",
                )

    async def subscribe(self, topics: Iterable[str]) -> None:
        names = sorted(topics)
        if names:
            self._running.subscribe(names)

    async def on_stop(self) -> None:
        """Gives the partitions up, which commits them."""
        if self._poller is not None:
            await self._poller.stop()
            self.committed(None, [])  # nobody will answer an order that came too late

    # Called by the poller, on the event loop.

    def arrived(self, records: list[Record]) -> None:
        self.dispatcher.arrived(records)
        for owner in {record.owner for record in records}:
            owner.behind = _behind(owner)

    def committed(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((error, partitions))

    def broken(self, error: BaseException) -> None:
        self._crashing = self.loop.create_task(self.crash(error))

    async def taken_over(self, owners: list[Ownership]) -> None:
        """Tells the application of new partitions; their records flow when it has returned."""
        try:
            async with self._rebalance:
                observed = bool(list(self.app.sensors) or self._app.tracer)  # Faust warns where nobody observes
                if observed:
                    self.app.on_rebalance_start()
                taken = {owner.tp for owner in owners}
                self._owners |= {owner.tp: owner for owner in owners}
                self._active_partitions = set(self._owners)
                await self.app.agents.on_rebalance(set(), taken)
                await self._connect()
                await self.app.on_partitions_assigned.send(taken)
                for owner in owners:
                    owner.ready = True
                if observed:
                    self.app.on_rebalance_return()
                    self.app.on_rebalance_end()
                await self.app.on_rebalance_complete.send()
        except Exception as error:
            await self.crash(error)

    async def given_up(self, owners: list[Ownership], *, lost: bool) -> list[TopicPartition]:
        for owner in owners:  # or the application would get records of what it has just been told to forget
            owner.live = False
        async with self._rebalance:
            gone = {owner.tp for owner in owners}
            try:
                await self.app.on_partitions_revoked.send(gone)
                due = {} if lost else {owner: self._due(owner) for owner in owners}
                if due:
                    await self.app.producer.flush()
                return [_to_commit(owner.tp, progress) for owner, progress in due.items() if progress is not None]
            finally:
                self._forget(owners)
                await self.app.agents.on_rebalance(gone, set())
                await self._connect()

    def _forget(self, owners: list[Ownership]) -> None:
        for owner in owners:
            if self._owners.get(owner.tp) is owner:
                del self._owners[owner.tp]
        self._active_partitions = set(self._owners)

    async def _connect(self) -> None:
        await self.app.topics.maybe_wait_for_subscriptions()
        await self.app.topics.on_partitions_assigned(set(self._owners))
        self.dispatcher.connect(self._owners.values())

    # Acknowledgements and commits.

    def ack(self, message: Any) -> bool:
        """Marks a record as done. May be called from any thread.

        After its partition was given up it counts for nothing: the next ownership has a ledger of its own.
        """
        if threading.get_ident() != self._loop_thread:
            self.loop.call_soon_threadsafe(self.ack, message)
            return False
        if message.acked:
            return False
        message.acked = True
        message.owner.ledger.acknowledge(message.offset)
        return True

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commits what has changed since the last commit; False where nothing has, or Kafka did not take it now.

        What was sent before is delivered first, so that no output is lost of a record that is never read again.
        """
        if self._poller is None or self._answer is not None:
            return False
        due = {owner: progress for owner in self._owners.values() if (progress := self._due(owner, topics))}
        if not due:
            return False
        return await self._write(due, flush=True)

    async def confirm(self) -> bool:
        """Commits once more what is committed of one partition: Kafka takes it only of the member that it knows.

        False where nothing is owned, a commit is under way already, or Kafka did not take it now.
        """
        owner = next((owner for owner in self._owners.values() if owner.live), None)
        if self._poller is None or self._answer is not None or owner is None:
            return False
        return await self._write({owner: owner.committed}, flush=False)

    async def _write(self, due: dict[Ownership, Progress], *, flush: bool) -> bool:
        answer = self._answer = self.loop.create_future()
        try:
            if flush:
                await self.app.producer.flush()
                if self._app._attachments.enabled:
                    await self._handle_attached({owner.tp: progress.offset for owner, progress in due.items()})
            begun_s = clock_s()
            self._running.commit([(owner, _to_commit(owner.tp, progress)) for owner, progress in due.items()])
            error, partitions = await answer
        finally:
            self._answer = None
        if error is not None:  # a rebalance, a broker that is away: the next time will do
            self.log.info("Kafka did not take the commit now: %s", error.str())
            if error.code() == KafkaError.OFFSET_METADATA_TOO_LARGE:
                raise metadata_refused()
            return False
        taken = {(partition.topic, partition.partition) for partition in partitions if partition.error is None}
        for owner, progress in due.items():
            if owner.tp in taken:
                owner.committed = progress
        if taken:
            self.confirmed_s = begun_s
        return bool(taken)

    def _due(self, owner: Ownership, topics: Any = None) -> Progress | None:
        """What to commit of a partition; None where nothing has changed, or where it cannot be written at present."""
        owner.behind = _behind(owner)
        if topics is not None and owner.tp not in topics and owner.tp.topic not in topics:
            return None
        progress = owner.ledger.progress(owner.attempt)
        if progress is None or progress == owner.committed:
            return None
        if len(encode(progress)) > METADATA_BYTES:
            # Only a log with gaps comes here. What was committed before stays true: a crash repeats more, all of it.
            self.log.warning("%r: its progress fits no commit until offset %d is done.", owner.tp, progress.offset)
            return None
        return progress

    @property
    def _running(self) -> Poller:
        if self._poller is None:
            raise ConsumerNotStarted("The consumer is not started; start the app first.")
        return self._poller

    def lagging(self) -> list[tuple[TP, int, int]]:
        """Partitions that are half-way to being held back, and from which offset on, up to which, their oldest quarter
        lies: as long as anything there is not done, no commit gets further.
        """
        found = []
        for owner in self._owners.values():
            if owner.ledger.span > FURTHEST // 2:
                since = owner.ledger.known - owner.ledger.span
                found.append((owner.tp, since, since + FURTHEST // 4))
        return found

    def assignment(self) -> set[TP]:
        return set(self._owners)

    def highwater(self, tp: TP) -> int:
        refuse("high watermarks")

    @property
    def unacked(self) -> set[Any]:
        """Empty: what is in hand is in the ledgers, and nothing here waits for it."""
        return set()


def _behind(owner: Ownership) -> bool:
    """Whether what is in hand, and what waits to be, spreads so far that the partition must be held back."""
    return owner.ledger.span + len(owner.waiting) > FURTHEST and not owner.ledger.awaiting


def _to_commit(tp: TP, progress: Progress) -> TopicPartition:
    return TopicPartition(tp.topic, tp.partition, progress.offset, encode(progress))
