"""What lies in the topics of a pipeline, and how far behind each consumer group is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from topics import names
from topics.admin import connect, metadata, settled

Offsets = Mapping[tuple[str, int], int]


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic. `records` counts offsets still kept (compaction leaves holes); `lag` is records by group."""

    name: str
    partitions: int
    records: int
    lag: Mapping[str, int]


def read_topics(brokers: str, pipeline: str, timeout_s: float = 10.0) -> tuple[TopicState, ...]:
    """The state of every topic whose name starts with `pipeline.`, by name. Raises BrokerError."""
    admin = connect(brokers)
    prefix = f"{pipeline}."
    cluster = metadata(admin, brokers, timeout_s)
    partitions = {n: len(t.partitions) for n, t in sorted(cluster.topics.items()) if n.startswith(prefix)}
    every = [(name, index) for name, count in partitions.items() for index in range(count)]
    first = _offsets(admin, every, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
    last = _offsets(admin, every, OffsetSpec.latest())  # type: ignore[no-untyped-call]
    committed = _committed(admin, prefix)
    return tuple(
        TopicState(
            name,
            count,
            sum(last[name, index] - first[name, index] for index in range(count)),
            _lag(pipeline, name, count, first, last, committed),
        )
        for name, count in partitions.items()
    )


def _lag(
    pipeline: str,
    topic: str,
    partitions: int,
    first: Offsets,
    last: Offsets,
    committed: Mapping[str, Offsets],
) -> dict[str, int]:
    lag = {}
    for group, offsets in sorted(committed.items()):
        stage = group.removeprefix(f"{pipeline}.")
        reads = topic == names.stage_input(pipeline, stage) or any(name == topic for name, _ in offsets)
        if reads:
            # A partition that a group never committed is one that it has still to read whole.
            lag[group] = sum(
                max(0, last[topic, index] - max(offsets.get((topic, index), 0), first[topic, index]))
                for index in range(partitions)
            )
    return lag


def _offsets(admin: AdminClient, every: Iterable[tuple[str, int]], spec: OffsetSpec) -> Offsets:
    asked = {TopicPartition(topic, index): spec for topic, index in every}
    if not asked:
        return {}
    return {
        (partition.topic, partition.partition): settled(future, f"read offsets of {partition.topic}").offset
        for partition, future in admin.list_offsets(asked).items()
    }


def _committed(admin: AdminClient, prefix: str) -> dict[str, Offsets]:
    listing = settled(admin.list_consumer_groups(), "list consumer groups")
    groups = [group.group_id for group in listing.valid if group.group_id.startswith(prefix)]
    # librdkafka takes one group a request.
    futures = {
        group: admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group] for group in groups
    }
    committed: dict[str, Offsets] = defaultdict(dict)
    for group, future in futures.items():
        found = settled(future, f"read the offsets of group {group}").topic_partitions
        committed[group] = {(p.topic, p.partition): p.offset for p in found if p.offset >= 0}
    return dict(committed)
