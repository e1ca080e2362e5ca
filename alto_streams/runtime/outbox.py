"""Carries out what the core decides: records for other stages, publications, dead letters."""

from __future__ import annotations

import asyncio
import time
from asyncio import Future
from typing import Any

from alto_streams.effects import DeadLetter, Publish, Send, Tell
from alto_streams.errors import BrokerError
from alto_streams.record import HEADER, Record, encode_header
from alto_streams.routing import Router
from topics import names

PROTOBUF = b"application/x-protobuf"
TABLE_TIMEOUT_S = 30.0
Headers = list[tuple[str, bytes]]


class Outbox:
    """Sends through a Faust producer; each call returns the future of the delivery that it began."""

    def __init__(self, producer: Any, pipeline: str, router: Router) -> None:
        self._producer, self._pipeline, self._router = producer, pipeline, router

    async def put(self, effect: Send | Tell | Publish | DeadLetter) -> Future[Any]:
        if isinstance(effect, Send | Tell) and not self._router.knows(effect.record.epoch):
            await self._table(effect.record.epoch)
        if isinstance(effect, Send):
            partition = self._router.partition(effect.stage, effect.record.epoch, effect.constraint)
            return await self._hand(effect.stage, effect.record, partition, effect.constraint)
        if isinstance(effect, Tell):
            active = self._router.active(effect.stage, effect.record.epoch)
            return asyncio.gather(*[await self._hand(effect.stage, effect.record, partition) for partition in active])
        if isinstance(effect, Publish):
            headers = [("type", effect.type.encode()), ("id", effect.item.encode()), ("content-type", PROTOBUF)]
            if effect.failure is not None:
                headers.append(("failure", effect.failure.encode()))
            if not effect.final:
                headers.append(("final", b"false"))
            channels = {"output": names.verified_claims, "progress": names.progress}
            topic = channels[effect.channel](self._pipeline)
            return await self._send(topic, effect.question.encode(), effect.value, headers)
        headers = [(HEADER, encode_header(effect.record))]
        return await self.dead_letter(None, effect.record.value, headers, effect.stage, effect.kind, effect.message)

    async def _hand(self, stage: str, record: Record, partition: int, key: bytes | None = None) -> Future[Any]:
        topic = names.stage_input(self._pipeline, stage)
        return await self._send(topic, key, record.value, [(HEADER, encode_header(record))], partition)

    async def epoch(self) -> int:
        """The current routing epoch, once there is one."""
        await self._table(1)
        return self._router.current

    async def _table(self, epoch: int) -> None:
        """Waits for a table that is on its way. Raises BrokerError where it does not come."""
        until = time.monotonic() + TABLE_TIMEOUT_S
        while not self._router.knows(epoch) and self._router.current < epoch:
            if time.monotonic() > until:
                raise BrokerError(
                    f"No routing table of epoch {epoch} came within {TABLE_TIMEOUT_S:.0f} s.",
                    f"check the topic '{names.routing(self._pipeline)}'; alto up publishes it",
                )
            await asyncio.sleep(0.02)

    async def dead_letter(
        self, key: bytes | None, value: bytes | None, headers: Headers, stage: str, kind: str, message: str
    ) -> Future[Any]:
        """Keeps a record that cannot be processed, with its own headers and the reason."""
        reason = [("stage", stage.encode()), ("error-kind", kind.encode()), ("error", message.encode())]
        return await self._send(names.dead_letters(self._pipeline), key, value, [*headers, *reason])

    async def _send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers, partition: int | None = None
    ) -> Future[Any]:
        sent: Future[Any] = await self._producer.send(topic, key, value, partition, None, headers)
        return sent
