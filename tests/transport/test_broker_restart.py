"""The broker stops and comes back under load: the worker goes on, and neither its records nor its sends are lost."""

from __future__ import annotations

import time
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from ops.kafka.embedded import EmbeddedKafka
from tests.transport.crew import Deed, crew, wait_until
from tests.transport.load import Committed, create, steady_load, stored

AWAY_S = 2.0


def test_nothing_is_lost_while_the_broker_is_away(scheme: str, tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path / "kafka") as kafka:
        bootstrap = kafka.bootstrap
        create(bootstrap, "in", 2)
        create(bootstrap, "out", 2)
        with (
            crew(f"{scheme}://{bootstrap}", "group", "in", tmp_path / "workers") as workers,
            steady_load(bootstrap, "in", 2, 300) as load,
        ):
            worker = workers.start(forward="out")
            wait_until(lambda: len(worker.deeds("A")) > 300, "the worker works", [worker])
            wait_until(lambda: sum(Committed(bootstrap, "group", "in").offsets.values()) > 300, "commits", [worker])
            kafka.stop()
            time.sleep(AWAY_S)
            kafka.start()
            back_at = time.monotonic()
            assert kafka.bootstrap == bootstrap
            wait_until(lambda: worker.deeds("A")[-1].at > back_at, "the worker goes on", [worker])
            print(f"the first record after the broker was back: {first_after(worker.deeds('A'), back_at):.1f} s")
            time.sleep(1)
            load.finish()
            everything = stored(bootstrap, "in", 2)
            assert len(everything) == load.sent
            workers.wait_finished(everything)
            assert worker.alive()
            assert not worker.errors
            sent = values(bootstrap, "out", 2)
            assert set(sent) == {str(i).encode() for i in range(load.sent)}
            print(f"{load.sent} records, {len(worker.deeds('P'))} processed, {len(sent)} sent")


def first_after(deeds: list[Deed], at: float) -> float:
    return min(deed.at for deed in deeds if deed.at > at) - at


def values(bootstrap: str, topic: str, partitions: int) -> list[bytes]:
    """The values of all records of a topic."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "values", "enable.auto.commit": False})
    try:
        consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
        wanted = len(stored(bootstrap, topic, partitions))
        found: list[bytes] = []
        while len(found) < wanted:
            message = consumer.poll(10)
            assert message is not None, f"{len(found)} of {wanted} records could be read"
            assert message.error() is None, message.error()
            found.append(message.value() or b"")
        return found
    finally:
        consumer.close()
