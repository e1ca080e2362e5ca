"""Provisioning and lag against a real broker."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import ConfigResource, ResourceType

from alto_streams.errors import BrokerError
from ops.kafka.embedded import EmbeddedKafka
from topics import names
from topics.admin import connect, metadata
from topics.definitions import TopicDefinition, definitions
from topics.lag import TopicState, read_topics
from topics.provision import provision


@pytest.fixture
def brokers(kafka: EmbeddedKafka) -> str:
    return kafka.bootstrap


@pytest.fixture
def pipeline() -> str:
    return f"p{uuid.uuid4().hex[:8]}"


def partitions(brokers: str, pipeline: str) -> dict[str, int]:
    found = metadata(connect(brokers), brokers, 10.0).topics
    return {name: len(topic.partitions) for name, topic in found.items() if name.startswith(f"{pipeline}.")}


def state_of(brokers: str, pipeline: str, topic: str) -> TopicState:
    return next(state for state in read_topics(brokers, pipeline) if state.name == topic)


def test_provisioning_twice_changes_nothing(brokers: str, pipeline: str) -> None:
    wanted = definitions(pipeline, {"answer": 2, "bm25": 3})
    first = provision(brokers, wanted)
    assert set(first.created) == {topic.name for topic in wanted}
    assert partitions(brokers, pipeline) == {topic.name: topic.partitions for topic in wanted}
    second = provision(brokers, wanted)
    assert (second.created, second.grown) == ((), ())


def test_settings_reach_the_broker(brokers: str, pipeline: str) -> None:
    provision(brokers, definitions(pipeline, {}))
    admin = connect(brokers)

    def setting(topic: str, name: str) -> str:
        resource = ConfigResource(ResourceType.TOPIC, topic)
        return str(admin.describe_configs([resource])[resource].result()[name].value)

    assert setting(names.routing(pipeline), "cleanup.policy") == "compact"
    assert setting(names.dead_letters(pipeline), "retention.ms") == str(90 * 24 * 3600 * 1000)


def test_partitions_grow_and_never_shrink(brokers: str, pipeline: str) -> None:
    topic = names.stage_input(pipeline, "answer")
    small = TopicDefinition(topic, 2)
    provision(brokers, [small])
    assert provision(brokers, [replace(small, partitions=5)]).grown == (topic,)
    assert partitions(brokers, pipeline) == {topic: 5}
    assert provision(brokers, [small]).grown == ()
    assert partitions(brokers, pipeline) == {topic: 5}


def test_a_refused_topic_is_named(brokers: str, pipeline: str) -> None:
    topic = f"{pipeline}.not a topic"
    with pytest.raises(BrokerError, match=f"create topic {topic}"):
        provision(brokers, [TopicDefinition(topic, 1)])


def test_an_unreachable_broker_is_named() -> None:
    with pytest.raises(BrokerError, match=r"127\.0\.0\.1:1 .*ALTO_BROKERS"):
        provision("127.0.0.1:1", definitions("p", {}), timeout_s=1.0)


def test_lag_of_a_group(brokers: str, pipeline: str) -> None:
    provision(brokers, definitions(pipeline, {"answer": 2}))
    topic, group = names.stage_input(pipeline, "answer"), names.group(pipeline, "answer")
    producer = Producer({"bootstrap.servers": brokers})
    for partition, count in ((0, 5), (1, 3)):
        for number in range(count):
            producer.produce(topic, str(number), partition=partition)
    assert producer.flush(10) == 0

    untouched = state_of(brokers, pipeline, topic)
    assert (untouched.partitions, untouched.records, untouched.lag) == (2, 8, {})

    consumer = Consumer({"bootstrap.servers": brokers, "group.id": group, "enable.auto.commit": False})
    try:
        consumer.commit(offsets=[TopicPartition(topic, 0, 4)], asynchronous=False)
    finally:
        consumer.close()
    deadline = time.monotonic() + 10
    while not (behind := state_of(brokers, pipeline, topic).lag) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert behind == {group: 4}  # one of partition 0, and partition 1 whole
    assert state_of(brokers, pipeline, names.questions(pipeline)).lag == {}
