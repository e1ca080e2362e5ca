"""Publishes routing tables: one more epoch whenever the active partitions of a stage change."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import KafkaException, Producer

from alto_streams.controller.tables import read_tables
from alto_streams.errors import BrokerError
from alto_streams.routing import RoutingTable
from topics import names


def publish_routing(brokers: str, pipeline: str, partitions: Mapping[str, int], timeout: float = 10.0) -> RoutingTable:
    """Makes partitions 0..n-1 of each stage active, in a new epoch unless they already are.

    Raises BrokerError where the table cannot be read or written within `timeout` seconds.
    """
    wanted = {stage: tuple(range(count)) for stage, count in partitions.items()}
    known = read_tables(brokers, pipeline, timeout)
    last = max(known, key=lambda table: table.epoch, default=RoutingTable(0, {}))
    if last.epoch and last.stages == wanted:
        return last
    table = RoutingTable(last.epoch + 1, wanted)
    topic = names.routing(pipeline)
    errors: list[object] = []
    producer = Producer({"bootstrap.servers": brokers, "acks": "all", "message.timeout.ms": int(timeout * 1000)})
    try:
        producer.produce(
            topic,
            key=str(table.epoch),
            value=table.to_json(),
            on_delivery=lambda e, _: errors.append(e) if e is not None else None,
        )
        left = producer.flush(timeout)
    except KafkaException as error:
        raise BrokerError(
            f"The routing table could not be written to '{topic}': {error}.", "check the broker"
        ) from None
    if left or errors:
        raise BrokerError(
            f"The routing table could not be written to '{topic}': {errors or 'timed out'}.", "check the broker"
        )
    return table
