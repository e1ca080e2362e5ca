"""Which questions have ended already, read from the output topic when a coordinator takes partitions over.

An outcome can be out although the records that led to it were not yet committed; they come again, and must not end the
question a second time. Reading the outcomes of the last minutes closes that gap, crash or not.
"""

from __future__ import annotations

import time

from confluent_kafka import Consumer, KafkaException, TopicPartition

from alto_streams.errors import BrokerError


def ended_questions(brokers: str, topic: str, since_ms: int, timeout: float = 20.0) -> list[str]:
    """Ids of the questions whose outcome was published at or after `since_ms`. Raises BrokerError."""
    consumer = Consumer(
        {"bootstrap.servers": brokers, "group.id": f"{topic}.ended", "enable.auto.commit": False, "log_level": 0}
    )
    until = time.monotonic() + timeout
    try:
        metadata = consumer.list_topics(topic, timeout=timeout).topics[topic]
        starts = consumer.offsets_for_times([TopicPartition(topic, p, since_ms) for p in metadata.partitions], timeout)
        ends = {s.partition: consumer.get_watermark_offsets(s, timeout=timeout)[1] for s in starts}
        left = {s.partition: ends[s.partition] for s in starts if 0 <= s.offset < ends[s.partition]}
        consumer.assign([s for s in starts if s.partition in left])
        ended: list[str] = []
        while left:
            if time.monotonic() > until:
                raise BrokerError(f"The output topic '{topic}' could not be read to its end.", "check the broker")
            message = consumer.poll(0.2)
            if message is None or message.error() is not None:
                continue
            partition, offset = message.partition() or 0, message.offset() or 0
            if dict(message.headers() or []).get("type") == b"outcome":
                ended.append((message.key() or b"").decode(errors="replace"))
            if offset + 1 >= left.get(partition, 0):
                left.pop(partition, None)
        return ended
    except (KafkaException, KeyError) as error:
        raise BrokerError(f"The output topic '{topic}' cannot be read: {error}.", "check the broker") from None
    finally:
        consumer.close()
