"""How a coordinator publishes outcomes: in a transaction for each of its partitions, so that no question ends twice.

A coordinator that stood still, or that Kafka could not hear, is replaced, and may go on for a while without knowing.
The one that takes a partition over opens its transactions anew: from then on Kafka refuses the outcomes of the one
before, and what that one had published can be read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from alto_streams.errors import BrokerError
from alto_streams.runtime.transport.transactional import Fenced, Told, TransactionalProducer
from topics import names


class Outcomes:
    """One producer for each partition that this coordinator owns.

    `settings` are those of a plain producer; `broken` is called where outcomes cannot be published any more.
    """

    def __init__(
        self, settings: Callable[[], dict[str, Any]], pipeline: str, broken: Callable[[BrokerError], object]
    ) -> None:
        self._settings, self._pipeline, self._broken = settings, pipeline, broken
        self._producers: dict[int, TransactionalProducer] = {}

    async def take(self, partitions: Iterable[int]) -> None:
        """Returns when nobody else can publish outcomes of these partitions. Raises BrokerError."""
        for partition in partitions:
            self.give_up([partition])
            name = names.transactions(self._pipeline, partition)
            self._producers[partition] = TransactionalProducer(self._settings(), name, self._broken)
        await asyncio.gather(*(self._producers[partition].open() for partition in partitions))

    def give_up(self, partitions: Iterable[int]) -> None:
        """What is not published by now, the next owner decides anew."""
        for partition in partitions:
            if partition in self._producers:
                self._producers.pop(partition).close()

    def post(
        self,
        partition: int,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]],
        told: Told,
    ) -> None:
        """See TransactionalProducer.post; Fenced also where the partition has been given up."""
        producer = self._producers.get(partition)
        if producer is None:
            told(Fenced(names.transactions(self._pipeline, partition)))
        else:
            producer.post(topic, key, value, headers, told)

    def close(self) -> None:
        self.give_up(list(self._producers))
