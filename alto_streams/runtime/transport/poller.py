"""The thread that polls librdkafka: it takes partitions over, fetches, holds back and gives partitions up.

librdkafka calls back from inside a poll, so this thread is the only one that sees the group's decisions, and nothing
else may block it for long: while it waits, no partition is fetched. What belongs to the event loop is handed there.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, Protocol, TypeVar

from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition
from faust.types import TP

from alto_streams.errors import BrokerError, ProgressError
from alto_streams.known_brokers import KnownBrokers
from alto_streams.progress import Progress, decode, encode
from alto_streams.runtime.transport.configuration import BATCH, BUFFERED_BYTES, BUFFERED_RECORDS, configured
from alto_streams.runtime.transport.ownership import Ownership, Record

IDLE_POLL_S = 0.1
BUSY_POLL_S = 0.01  # while a partition waits to be taken over or to go on
HOLD_LOOK_S = 0.02
QUICK_PER_S = 1000  # records that a stream takes a second to be waited for
CLAIM_AGAIN_S = 0.05
REQUEST_TIMEOUT_S = 5.0
WAKE_AFTER_S = (0.015, 0.1)  # too early is for nothing: the fetching thread must have seen what it is woken for
WAKE_TIMEOUT_S = 1.0
LEAVE_LIMIT_S = 3.0
REVOKE_LIMIT_S = 10.0  # how long the application may take to let go of partitions
STOP_LIMIT_S = 5.0

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


def _key(message: Any) -> tuple[str, int]:
    return message.topic(), message.partition()


def _relieved(owner: Ownership) -> bool:
    return not (owner.crowded(BUFFERED_RECORDS // 2, BUFFERED_BYTES // 2) or owner.behind)


def metadata_refused() -> BrokerError:
    return BrokerError(
        "Kafka does not take the metadata of a commit: offset.metadata.max.bytes is too small.",
        "set offset.metadata.max.bytes on the brokers to 4096, which is Kafka's default",
    )


class Receiver(Protocol):
    """The event loop's side of the thread."""

    def arrived(self, records: list[Record]) -> None: ...

    def committed(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None: ...

    def broken(self, error: BaseException) -> None: ...

    async def taken_over(self, owners: list[Ownership]) -> None: ...

    async def given_up(self, owners: list[Ownership], *, lost: bool) -> list[TopicPartition]:
        """Returns what to commit for them, which is nothing where they are lost."""
        ...


class Poller:
    """Owns the confluent-kafka consumer."""

    def __init__(self, settings: dict[str, Any], receiver: Receiver, loop: asyncio.AbstractEventLoop) -> None:
        self._receiver, self._loop = receiver, loop
        self._earliest = settings["auto.offset.reset"] in ("earliest", "smallest", "beginning")
        self._classic = settings.get("group.protocol", "classic") == "classic"
        self._owners: dict[tuple[str, int], Ownership] = {}
        self._unclaimed: set[tuple[str, int]] = set()
        self._unready: list[Ownership] = []
        self._held: list[Ownership] = []  # paused because they are crowded
        self._claim_at = 0.0
        self._wakes: list[float] = []  # when the fetching thread is to be woken
        self._stopping = threading.Event()
        callbacks = {"on_commit": self._on_commit, "error_cb": self._on_error, "logger": _log}
        self._known = KnownBrokers()
        self._kafka = configured(Consumer, {**self._known.settings, **settings, **callbacks})
        self._orders: deque[Callable[[], None]] = deque()
        self._thread = threading.Thread(target=self._run, name="kafka-poll", daemon=True)
        self._ended: asyncio.Future[None] = loop.create_future()

    def subscribe(self, topics: list[str]) -> None:
        """Replaces the topics; the first call starts the thread."""
        self._orders.append(partial(self._subscribe, topics))
        if self._thread.ident is None:
            self._thread.start()

    def commit(self, offsets: list[tuple[Ownership, TopicPartition]]) -> None:
        """Its answer comes to the receiver, from Kafka or at once."""
        self._orders.append(partial(self._commit, offsets))

    async def stop(self) -> None:
        """Gives everything up, commits, leaves the group. Returns when the thread has ended.

        Or after a while: librdkafka's last commit waits as long as the group's coordinator is away.
        """
        self._stopping.set()
        if self._thread.ident is None:
            return
        await asyncio.wait({self._ended}, timeout=STOP_LIMIT_S)
        if not self._ended.done():
            _log.error("Kafka took no last commit within %.0f s; what it has not got is read again.", STOP_LIMIT_S)

    # Everything below runs in the thread: confluent-kafka lets only one thread at a time into a consumer.

    def _subscribe(self, topics: list[str]) -> None:
        self._kafka.subscribe(topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost)

    def _commit(self, offsets: list[tuple[Ownership, TopicPartition]]) -> None:
        """Leaves out what was given up since the order: it would overwrite the commit of the next ownership."""
        ours = [partition for owner, partition in offsets if self._owners.get(owner.tp) is owner]
        if not ours:
            self._on_commit(None, [])
            return
        try:
            self._kafka.commit(offsets=ours)
        except KafkaException as error:
            self._on_commit(error.args[0], [])

    def _run(self) -> None:
        try:
            while not self._stopping.is_set() and not self._known.forgotten:
                self._turn()
            if self._known.forgotten:
                raise self._known.error("consumer")
            self._leave()
        except BaseException as error:
            self._call(self._receiver.broken, error)
        finally:
            self._call(self._end)

    def _leave(self) -> None:
        """Gives up what is owned, and the membership.

        librdkafka, when it closes a member of the classic protocol that owns nothing, does not tell the broker, and the
        group's next rebalance waits until that member's session has timed out. It does tell when it unsubscribes.
        """
        if self._classic:
            self._kafka.unsubscribe()
            until = time.monotonic() + LEAVE_LIMIT_S
            while self._kafka.memberid() and time.monotonic() < until:
                self._kafka.poll(BUSY_POLL_S)  # calls _on_revoke; what it returns is read again by the next owner
        self._kafka.close()

    def _end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    def _turn(self) -> None:
        if self._wakes and time.monotonic() > self._wakes[0]:
            self._wake()
        while self._orders:
            self._orders.popleft()()
        waiting = self._unclaimed or self._unready or self._held or self._wakes
        first = self._kafka.poll(BUSY_POLL_S if waiting else IDLE_POLL_S)
        if first is not None:
            # A record polled before a rebalance inside consume() belongs to an ownership that may have ended.
            owner = self._owners.get(_key(first))
            self._hand_over(owner, first, self._kafka.consume(BATCH - 1, 0))
        if waiting or self._unclaimed:
            self._claim()
            self._resume()

    def _hand_over(self, owner: Ownership | None, first: Any, rest: list[Any]) -> None:
        records: list[Record] = []
        owners = self._owners
        if first.error() is not None:
            self._on_error(first.error())
        elif owner is not None and owners.get(owner.tp) is owner:
            records.append(Record(owner, first))
        for message in rest:
            if message.error() is None:
                owner = owners.get(_key(message))
                if owner is not None:
                    records.append(Record(owner, message))
                elif _key(message) in self._unclaimed:
                    # It would never come again. Better to stop, and be started again, than to pass over a record.
                    raise RuntimeError(f"librdkafka delivered a record of {_key(message)}, which was paused.")
            else:
                self._on_error(message.error())
        if not records:
            return
        for record in records:
            owner = record.owner
            owner.handed += 1
            owner.handed_bytes += record.size
        self._call(self._receiver.arrived, records)
        for owner in {record.owner for record in records}:
            if not owner.paused and (owner.crowded(BUFFERED_RECORDS, BUFFERED_BYTES) or owner.behind):
                self._hold(owner)

    def _hold(self, owner: Ownership) -> None:
        """Waits while the stream is quick, or else pauses the partition.

        A pause throws away what librdkafka has fetched ahead, and while this thread waits no partition is served: so
        a quick stream is waited for, and a slow one does not hold up the others.
        """
        while owner.live and not self._stopping.is_set():
            before = owner.taken
            time.sleep(HOLD_LOOK_S)
            if _relieved(owner):
                return
            if owner.taken - before < HOLD_LOOK_S * QUICK_PER_S:
                break
        owner.paused = True
        self._kafka.pause([TopicPartition(*owner.tp)])
        self._held.append(owner)

    def _resume(self) -> None:
        """Goes on with partitions that the application knows of and whose buffer is half empty again."""
        ready = [owner for owner in self._unready if owner.ready]
        relieved = [owner for owner in self._held if _relieved(owner)]
        if ready or relieved:
            self._unready = [owner for owner in self._unready if not owner.ready]
            self._held = [owner for owner in self._held if owner not in relieved]
            going_on = [owner for owner in ready + relieved if owner.live]
            for owner in going_on:
                owner.paused = False
            self._kafka.resume([TopicPartition(*owner.tp) for owner in going_on])
            self._wake_soon()

    def _wake_soon(self) -> None:
        now = time.monotonic()
        self._wakes = [now + seconds for seconds in WAKE_AFTER_S]

    def _wake(self) -> None:
        """Lets fetching go on at once.

        librdkafka pauses all partitions while a callback of a rebalance lasts; its fetching thread then goes on when it
        happens to wake, up to a second later (rd_kafka_max_block_ms). A request to the partitions' leaders wakes it.
        """
        self._wakes.pop(0)
        if self._owners:
            try:
                self._kafka.offsets_for_times([TopicPartition(*tp, OFFSET_END) for tp in self._owners], WAKE_TIMEOUT_S)
            except KafkaException as error:
                _log.debug("Kafka did not answer: %s", error)

    def _on_assign(self, kafka: Consumer, assigned: list[TopicPartition]) -> None:
        kafka.incremental_assign(assigned)
        kafka.pause(assigned)  # until they are claimed
        self._unclaimed |= {(tp.topic, tp.partition) for tp in assigned}
        self._wake_soon()

    def _claim(self) -> None:
        """Takes partitions over: reads what the last owner committed and commits the next attempt's number.

        Only what is written counts: two owners of one partition never have the same attempt, since the broker refuses
        the commit of a member whose assignment is not the present one.
        """
        if not self._unclaimed or time.monotonic() < self._claim_at:
            return
        self._claim_at = time.monotonic() + CLAIM_AGAIN_S
        try:
            committed = self._kafka.committed([TopicPartition(*tp) for tp in self._unclaimed], REQUEST_TIMEOUT_S)
            claims = [self._next(partition) for partition in committed if partition.error is None]
            if not claims:
                return
            written = self._kafka.commit(
                offsets=[TopicPartition(*tp, progress.offset, encode(progress)) for tp, progress in claims],
                asynchronous=False,
            )
        except KafkaException as error:
            _log.info("Partitions are not taken over yet: %s", error.args[0].str())
            return
        refused = {(tp.topic, tp.partition): tp.error for tp in written if tp.error is not None}
        for refusal in refused.values():
            if refusal.code() == KafkaError.OFFSET_METADATA_TOO_LARGE:
                raise metadata_refused()
        owners = [Ownership(TP(*tp), progress) for tp, progress in claims if tp not in refused]
        if owners:
            self._unclaimed -= {owner.tp for owner in owners}
            self._owners |= {owner.tp: owner for owner in owners}
            self._unready += owners
            asyncio.run_coroutine_threadsafe(self._receiver.taken_over(owners), self._loop)

    def _next(self, committed: TopicPartition) -> tuple[tuple[str, int], Progress]:
        """What to write for a partition at its takeover."""
        if committed.offset >= 0:
            try:
                last = decode(committed.offset, committed.metadata)
            except ProgressError as error:
                raise BrokerError(f"Group's commit of topic {committed.topic}: {error.message}", error.mend) from error
        else:  # nothing was ever committed
            low, high = self._kafka.get_watermark_offsets(committed, timeout=REQUEST_TIMEOUT_S)
            last = Progress(low if self._earliest else high)
        mine = Progress(last.offset, last.attempt + 1, last.unfinished, last.known)
        return (committed.topic, committed.partition), mine

    def _on_revoke(self, kafka: Consumer, revoked: list[TopicPartition]) -> None:
        commits = self._give_up(revoked, lost=False)
        if commits:
            try:
                kafka.commit(offsets=commits, asynchronous=False)
            except KafkaException as error:
                _log.warning("The last commit at a revocation failed: %s", error.args[0].str())
        if revoked:
            kafka.incremental_unassign(revoked)
        self._wake_soon()

    def _on_lost(self, kafka: Consumer, lost: list[TopicPartition]) -> None:
        self._give_up(lost, lost=True)
        if lost:
            kafka.incremental_unassign(lost)
        self._wake_soon()

    def _give_up(self, partitions: Iterable[TopicPartition], *, lost: bool) -> list[TopicPartition]:
        keys = {(tp.topic, tp.partition) for tp in partitions}
        self._unclaimed -= keys
        owners = [self._owners.pop(key) for key in keys & self._owners.keys()]
        if not owners:
            return []
        self._unready = [owner for owner in self._unready if owner not in owners]
        self._held = [owner for owner in self._held if owner not in owners]
        return self._wait(self._receiver.given_up(owners, lost=lost)) or []

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        self._call(self._receiver.committed, error, partitions)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._call(self._receiver.broken, KafkaException(error))
        else:
            _log.info("Kafka: %s", error.str())

    def _call(self, function: Callable[..., Any], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:  # the loop is closed: nobody is left to tell
            self._stopping.set()

    def _wait(self, work: Coroutine[Any, Any, _T]) -> _T | None:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(REVOKE_LIMIT_S)
        except TimeoutError:
            _log.error(
                "Partitions were not let go of within %.0f s; their records come again elsewhere.", REVOKE_LIMIT_S
            )
            future.cancel()
            return None
