"""What librdkafka is told: Faust's settings in its words, then whatever the broker URL's query says.

A property of librdkafka goes behind the broker's address by its own name:
`alto://localhost:9092?session.timeout.ms=6000&ssl.ca.location=/etc/ca.pem`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from confluent_kafka import KafkaException
from faust.auth import SASLCredentials

from alto_streams.errors import SettingError

BATCH = 256  # records taken from librdkafka at once
BUFFERED_RECORDS = 512  # of one partition, waiting for the stream; fetching pauses there and goes on at half of it
BUFFERED_BYTES = 4 << 20
METADATA_BYTES = 4096  # the broker's default offset.metadata.max.bytes

_COMMON = {
    "log_level": 3,
    "socket.nagle.disable": True,
    "reconnect.backoff.ms": 50,
    "reconnect.backoff.max.ms": 1000,
    "topic.metadata.refresh.sparse": True,
}
_CONSUMER = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "partition.assignment.strategy": "cooperative-sticky",
    "topic.metadata.refresh.interval.ms": 1000,  # so that added partitions are taken up soon
    "fetch.wait.max.ms": 100,  # how long a partition that goes on may wait for the request that is under way
    "fetch.error.backoff.ms": 100,
    "fetch.queue.backoff.ms": 10,  # or a full prefetch queue stops fetching for a second
    "queued.min.messages": 1000,
    "max.partition.fetch.bytes": 128 << 10,  # small helpings: partitions take turns, and a pause throws little away
    "queued.max.messages.kbytes": 8192,
    "fetch.max.bytes": 8 << 20,
}
_PRODUCER = {
    "enable.idempotence": True,
    "linger.ms": 0,
    "max.in.flight": 1,  # so that batches form by themselves: who comes while a request is under way goes with the next
    "partitioner": "murmur2_random",  # the one of the Java client, and of aiokafka
    "topic.metadata.propagation.max.ms": 5000,  # how long a topic that nobody knows may take to appear
    "queue.buffering.max.messages": 100_000,
    "queue.buffering.max.kbytes": 65_536,
    "delivery.timeout.ms": 120_000,
}
_CLASSIC_ONLY = ("partition.assignment.strategy", "session.timeout.ms", "heartbeat.interval.ms")


_T = TypeVar("_T")


def configured(make: Callable[[dict[str, Any]], _T], settings: dict[str, Any]) -> _T:
    """A consumer or producer of librdkafka. Raises SettingError where it refuses a property."""
    try:
        return make(settings)
    except KafkaException as error:
        raise SettingError(
            f"librdkafka refuses the broker URL's properties: {error.args[0].str().strip()}.",
            "name properties as librdkafka's CONFIGURATION.md does: alto://host:9092?session.timeout.ms=6000",
        ) from error


def consumer_settings(app: Any) -> dict[str, Any]:
    """For `confluent_kafka.Consumer`. Raises SettingError."""
    conf = app.conf
    settings = {
        **_COMMON,
        **_CONSUMER,
        "group.id": conf.id,
        "client.id": conf.broker_client_id,
        "auto.offset.reset": conf.consumer_auto_offset_reset,
        "session.timeout.ms": int(conf.broker_session_timeout * 1000),
        "heartbeat.interval.ms": int(min(conf.broker_heartbeat_interval, conf.broker_session_timeout / 3) * 1000),
        "max.poll.interval.ms": int(max(conf.broker_max_poll_interval, conf.broker_session_timeout) * 1000),
        **_connection(conf.broker_consumer, conf.broker_credentials),
    }
    if settings.get("group.protocol") == "consumer":
        for name in _CLASSIC_ONLY:  # the broker decides these
            settings.pop(name, None)
    elif settings["partition.assignment.strategy"] != "cooperative-sticky":
        raise SettingError(
            f"partition.assignment.strategy={settings['partition.assignment.strategy']} stops the whole group at each "
            "rebalance; this transport moves partitions one by one.",
            "leave it out of the broker URL, or say cooperative-sticky",
        )
    return settings


def producer_settings(app: Any) -> dict[str, Any]:
    """For `confluent_kafka.Producer`. Raises SettingError."""
    conf = app.conf
    if conf.producer_partitioner is not None:
        raise SettingError(
            "The setting producer_partitioner is a Python function, which librdkafka cannot call.",
            "name one of librdkafka's partitioners in the broker URL (?partitioner=...), or give partitions explicitly",
        )
    settings = {
        **_COMMON,
        **_PRODUCER,
        "client.id": conf.broker_client_id,
        "linger.ms": conf.producer_linger * 1000,
        "batch.size": max(conf.producer_max_batch_size, 1_000_000),
        "message.max.bytes": conf.producer_max_request_size,
        "compression.type": conf.producer_compression_type or "none",
        **_connection(conf.broker_producer, conf.broker_credentials),
    }
    if conf.producer_acks not in (-1, "all"):
        settings |= {"enable.idempotence": False, "acks": conf.producer_acks}
    return settings


def _connection(urls: list[Any], credentials: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {"bootstrap.servers": ",".join(f"{_host(url)}:{url.port or 9092}" for url in urls)}
    if isinstance(credentials, SASLCredentials):
        settings |= {
            "security.protocol": credentials.protocol.value,
            "sasl.mechanism": credentials.mechanism.value,
            "sasl.username": credentials.username,
            "sasl.password": credentials.password,
        }
    elif credentials is not None:
        raise SettingError(
            f"broker_credentials of type {type(credentials).__name__} hold objects that librdkafka cannot use.",
            "say it in librdkafka's properties: alto://host:9093?security.protocol=SSL&ssl.ca.location=/path/ca.pem",
        )
    for url in urls:
        settings |= dict(url.query)
    return settings


def _host(url: Any) -> str:
    host = url.host or "127.0.0.1"
    return f"[{host}]" if ":" in host else host
