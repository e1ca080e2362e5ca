"""Kafka's admin client, quiet, with its errors turned into ours."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from typing import TypeVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import ClusterMetadata

from alto_streams.errors import BrokerError

T = TypeVar("T")

_log = logging.getLogger("alto_streams.topics.kafka")
_log.addHandler(logging.NullHandler())
_log.propagate = False


def connect(brokers: str) -> AdminClient:
    """An admin client. It connects on first use, so an unreachable broker shows in `metadata`."""
    # librdkafka prints each failed connection on stderr otherwise; the caller reports the failure once.
    return AdminClient({"bootstrap.servers": brokers}, logger=_log)


def metadata(admin: AdminClient, brokers: str, timeout_s: float) -> ClusterMetadata:
    """The cluster's topics. Raises BrokerError when no broker answers within `timeout_s`."""
    try:
        return admin.list_topics(timeout=timeout_s)
    except KafkaException as error:
        raise BrokerError(
            f"no Kafka broker answers at {brokers} ({error.args[0].str()}).",
            "start it, or correct ALTO_BROKERS, or unset it to use the embedded broker",
        ) from None


def settled(future: Future[T], action: str) -> T:
    """The future's result. Raises BrokerError saying which `action` failed and why."""
    try:
        return future.result()
    except KafkaException as error:
        raise BrokerError(
            f"Kafka refused to {action}: {error.args[0].str()}.",
            "look at the broker's log, or at the permissions of this client",
        ) from None
