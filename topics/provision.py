"""Brings the topics of a cluster to their definitions: creates what is missing, grows what is too small."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.admin._metadata import ClusterMetadata
from confluent_kafka.cimpl import NewPartitions, NewTopic

from alto_streams.errors import BrokerError
from topics.admin import connect, metadata, settled
from topics.definitions import TopicDefinition

POLL_S = 0.05
CONNECT_S = 10.0
LATEST = OffsetSpec.latest()  # type: ignore[no-untyped-call]
NOT_YET = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
    }
)


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What one call changed: names of topics."""

    created: tuple[str, ...]
    grown: tuple[str, ...]


def provision(brokers: str, wanted: Sequence[TopicDefinition], timeout_s: float = 30.0) -> Provisioned:
    """Makes every wanted topic exist with at least its partitions, each with a leader, and returns then.

    A second call changes nothing. Partitions are never taken away, since Kafka cannot. Raises BrokerError.
    """
    deadline = time.monotonic() + timeout_s
    admin = connect(brokers)
    present = _partitions(metadata(admin, brokers, min(CONNECT_S, timeout_s)))
    missing = [topic for topic in wanted if topic.name not in present]
    small = [topic for topic in wanted if 0 < present.get(topic.name, 0) < topic.partitions]
    created = _create(admin, missing)
    _grow(admin, small)
    _await(admin, brokers, wanted, deadline)
    _await_answers(admin, [*missing, *small], deadline)
    return Provisioned(created, tuple(topic.name for topic in small))


def _create(admin: AdminClient, missing: Sequence[TopicDefinition]) -> tuple[str, ...]:
    if not missing:
        return ()
    created = []
    new = [NewTopic(t.name, num_partitions=t.partitions, config=dict(t.config)) for t in missing]
    for name, future in admin.create_topics(new).items():
        try:
            future.result()
        except KafkaException as error:
            # Another provisioner was faster: what it made is checked by the wait below.
            if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
                continue
        settled(future, f"create topic {name}")
        created.append(name)
    return tuple(created)


def _grow(admin: AdminClient, small: Sequence[TopicDefinition]) -> None:
    if not small:
        return
    for name, future in admin.create_partitions([NewPartitions(t.name, t.partitions) for t in small]).items():
        settled(future, f"add partitions to topic {name}")


def _await(admin: AdminClient, brokers: str, wanted: Sequence[TopicDefinition], deadline: float) -> None:
    while True:
        left = deadline - time.monotonic()
        present = _partitions(metadata(admin, brokers, max(left, 1.0)))
        late = [topic.name for topic in wanted if present.get(topic.name, 0) < topic.partitions]
        if not late:
            return
        if left <= 0:
            raise BrokerError(
                f"topics {', '.join(late)} have no leader for all their partitions yet.",
                "look at the broker's log, and at the number of brokers that are up",
            )
        time.sleep(POLL_S)


def _await_answers(admin: AdminClient, changed: Sequence[TopicDefinition], deadline: float) -> None:
    """Metadata names a leader a moment before that leader knows; until then it refuses reads and writes."""
    silent = {TopicPartition(t.name, index): LATEST for t in changed for index in range(t.partitions)}
    while silent:
        asked, silent = silent, {}
        for partition, future in admin.list_offsets(asked).items():
            try:
                future.result()
            except KafkaException as error:
                if time.monotonic() > deadline or error.args[0].code() not in NOT_YET:
                    settled(future, f"read offsets of {partition.topic}")
                silent[partition] = LATEST
        if silent:
            time.sleep(POLL_S)


def _partitions(cluster: ClusterMetadata) -> dict[str, int]:
    """Partitions with a live leader, by topic."""
    return {
        name: sum(partition.leader >= 0 for partition in topic.partitions.values())
        for name, topic in cluster.topics.items()
    }
