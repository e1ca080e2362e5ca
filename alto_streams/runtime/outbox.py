"""Carries out what the core decides: records for other stages, publications, dead letters."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from alto_streams.effects import DeadLetter, Publish, Send, Tell
from alto_streams.errors import BrokerError
from alto_streams.record import HEADER, Record, encode_header
from alto_streams.routing import Router
from alto_streams.runtime.settlement import Settlement
from topics import names

PROTOBUF = b"application/x-protobuf"
TABLE_TIMEOUT_S = 30.0
Headers = list[tuple[str, bytes]]


class Outbox:
    """Posts through the transport's producer; a settlement hears of each record's delivery."""

    def __init__(self, producer: Any, pipeline: str, router: Router) -> None:
        self._producer, self._pipeline, self._router = producer, pipeline, router

    def knows(self, epoch: int) -> bool:
        """Whether records of this epoch can be posted."""
        return self._router.knows(epoch)

    def post(self, effect: Send | Tell | Publish | DeadLetter, settlement: Settlement) -> None:
        """Raises InvalidInput where the routing table, which must be known, does not have the stage."""
        if isinstance(effect, Send):
            partition = self._router.partition(effect.stage, effect.record.epoch, effect.constraint)
            self._hand(effect.stage, effect.record, partition, effect.constraint, settlement)
        elif isinstance(effect, Tell):
            for partition in self._router.active(effect.stage, effect.record.epoch):
                self._hand(effect.stage, effect.record, partition, None, settlement)
        elif isinstance(effect, Publish):
            headers = [("type", effect.type.encode()), ("id", effect.item.encode()), ("content-type", PROTOBUF)]
            if effect.failure is not None:
                headers.append(("failure", effect.failure.encode()))
            if not effect.final:
                headers.append(("final", b"false"))
            topic = _CHANNELS[effect.channel](self._pipeline)
            self._send(topic, effect.question.encode(), effect.value, headers, None, settlement)
        else:
            headers = [(HEADER, encode_header(effect.record))]
            self.dead_letter(None, effect.record.value, headers, effect.stage, effect.kind, effect.message, settlement)

    def _hand(self, stage: str, record: Record, partition: int, key: bytes | None, settlement: Settlement) -> None:
        topic = names.stage_input(self._pipeline, stage)
        self._send(topic, key, record.value, [(HEADER, encode_header(record))], partition, settlement)

    def again(self, stage: str, message: Any, headers: Headers, settlement: Settlement) -> None:
        """A record of a stage's topic once more, in the partition that it is in."""
        topic = names.stage_input(self._pipeline, stage)
        self._send(topic, message.key, message.value, headers, message.partition, settlement)

    def dead_letter(
        self,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        stage: str,
        kind: str,
        message: str,
        settlement: Settlement,
    ) -> None:
        """Keeps a record that cannot be processed, with its own headers and the reason."""
        reason = [("stage", stage.encode()), ("error-kind", kind.encode()), ("error", message.encode())]
        self._send(names.dead_letters(self._pipeline), key, value, [*headers, *reason], None, settlement)

    def _send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        partition: int | None,
        settlement: Settlement,
    ) -> None:
        settlement.expect()
        self._producer.post(topic, key, value, partition, headers, settlement.delivered)

    @property
    def crowded(self) -> bool:
        """Whether more is posted than the producer has room for."""
        return bool(self._producer.crowded)

    async def room(self) -> None:
        """Returns when there is room."""
        await self._producer.room()

    async def epoch(self) -> int:
        """The current routing epoch, once there is one."""
        await self.learn(1)
        return self._router.current

    async def learn(self, epoch: int) -> None:
        """Waits for a table that is on its way. Raises BrokerError where it does not come."""
        until = time.monotonic() + TABLE_TIMEOUT_S
        while not self._router.knows(epoch) and self._router.current < epoch:
            if time.monotonic() > until:
                raise BrokerError(
                    f"No routing table of epoch {epoch} came within {TABLE_TIMEOUT_S:.0f} s.",
                    f"check the topic '{names.routing(self._pipeline)}'; alto up publishes it",
                )
            await asyncio.sleep(0.02)


_CHANNELS = {"output": names.verified_claims, "progress": names.progress}
