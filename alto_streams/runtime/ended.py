"""Which questions have ended already, read from the output topic when a coordinator takes partitions over.

An outcome can be out although the records that led to it were not yet committed; they come again, and must not end the
question a second time. Reading the outcomes of the last minutes closes that gap, crash or not.
"""

from __future__ import annotations

import time

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from alto_streams.errors import BrokerError
from topics.provision import LATEST


def ended_questions(brokers: str, topic: str, since_ms: int, timeout: float = 30.0) -> list[str]:
    """Ids of the questions whose outcome was published at or after `since_ms`. Raises BrokerError.

    Read is what is there now, also behind the transaction of another coordinator that is not through yet.
    """
    admin = AdminClient({"bootstrap.servers": brokers, "log_level": 0})
    starts = _offsets(admin, topic, OffsetSpec.for_timestamp(since_ms), timeout)
    ends = _offsets(admin, topic, LATEST, timeout)
    left = {number: ends[number] for number, start in starts.items() if 0 <= start < ends[number]}
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": f"{topic}.ended",
            "enable.auto.commit": False,
            "enable.partition.eof": True,  # a topic may end with a transaction's mark, which is no record
            "log_level": 0,
        }
    )
    until = time.monotonic() + timeout
    try:
        consumer.assign([TopicPartition(topic, number, starts[number]) for number in left])
        ended: list[str] = []
        while left:
            if time.monotonic() > until:
                raise BrokerError(f"The output topic '{topic}' could not be read to its end.", "check the broker")
            message = consumer.poll(0.2)
            if message is None:
                continue
            if message.error() is None and dict(message.headers() or []).get("type") == b"outcome":
                ended.append((message.key() or b"").decode(errors="replace"))
            partition = message.partition() or 0
            if _read_to(message) >= left.get(partition, 0):
                left.pop(partition, None)
        return ended
    except KafkaException as error:
        raise _unreadable(topic, error) from None
    finally:
        consumer.close()


def _offsets(admin: AdminClient, topic: str, what: OffsetSpec, timeout: float) -> dict[int, int]:
    """By partition, among all records, whether readers may see them yet or not."""
    try:
        described = admin.list_topics(topic, timeout).topics[topic]
        if described.error is not None:
            raise KafkaException(described.error)
        wanted = {TopicPartition(topic, number): what for number in described.partitions}
        found = admin.list_offsets(wanted, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=timeout)
        return {tp.partition: future.result().offset for tp, future in found.items()}
    except (KafkaException, KeyError) as error:
        raise _unreadable(topic, error) from None


def _read_to(message: Message) -> int:
    """The offset before which its partition has been read; 0 where it tells none."""
    error, offset = message.error(), message.offset() or 0
    if error is None:
        return offset + 1
    return offset if error.code() == KafkaError._PARTITION_EOF else 0


def _unreadable(topic: str, error: Exception) -> BrokerError:
    return BrokerError(f"The output topic '{topic}' cannot be read: {error}.", "check the broker")
