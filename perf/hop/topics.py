"""Fresh topics for one measurement, and a look into them that costs the broker next to nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from confluent_kafka import Consumer, TopicPartition

from perf.hop.processes import HopError
from perf.hop.records import record
from topics.admin import connect, settled
from topics.definitions import TopicDefinition
from topics.provision import provision

TIMEOUT_S = 20.0
_KEEP = {"retention.ms": "-1", "retention.bytes": "-1", "file.delete.delay.ms": "1000"}


@dataclass(frozen=True, slots=True)
class Hop:
    """An inbox, an outbox, and a reader of the outbox; one partition each, as an instance of a stage has one."""

    inbox: str
    outbox: str
    reader: Consumer

    def echoed(self) -> int:
        """Records in the outbox now."""
        _, high = self.reader.get_watermark_offsets(TopicPartition(self.outbox, 0), timeout=TIMEOUT_S)
        return int(high)

    def appended_ms(self, number: int) -> int:
        """When the broker appended one echoed record (unix ms). Raises HopError where it is not what was sent."""
        self.reader.assign([TopicPartition(self.outbox, 0, number)])
        message = self.reader.poll(TIMEOUT_S)
        self.reader.unassign()
        if message is None or message.error() is not None:
            raise HopError(f"{self.outbox}: record {number} cannot be read back.", "see the broker's log")
        key, value, headers = record(number)
        if (message.key(), message.value(), message.headers()) != (key, value, headers):
            raise HopError(f"{self.outbox}: record {number} is not the one that was sent.", "mend the echo")
        return int(message.timestamp()[1])


@contextmanager
def fresh_hop(brokers: str) -> Iterator[Hop]:
    """Two new topics, deleted at the end. Raises BrokerError."""
    name = f"hop-{uuid.uuid4().hex[:8]}"
    inbox, outbox = f"{name}.in", f"{name}.out"
    provision(
        brokers,
        [
            TopicDefinition(inbox, 1, _KEEP),
            TopicDefinition(outbox, 1, {**_KEEP, "message.timestamp.type": "LogAppendTime"}),
        ],
    )
    reader = Consumer({"bootstrap.servers": brokers, "group.id": f"{name}.reader", "enable.auto.commit": False})
    try:
        yield Hop(inbox, outbox, reader)
    finally:
        reader.close()
        admin = connect(brokers)  # named: its futures die with it
        for topic, future in admin.delete_topics([inbox, outbox]).items():
            settled(future, f"delete topic {topic}")
