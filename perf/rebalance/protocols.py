"""The group protocols that are compared, as one Faust app is told of them: by its broker URL alone."""

from __future__ import annotations

SESSION_S, HEARTBEAT_S = 3.0, 0.5  # ops/kafka/properties.py has the same for Kafka 4's own protocol

_URLS = {
    "classic": "alto://{}",  # cooperative-sticky, decided by the members
    "consumer": "alto://{}?group.protocol=consumer",  # Kafka 4's own, decided by the broker
    "faust": "kafka://{}",  # Faust's own over aiokafka, eager
}
PROTOCOLS = tuple(_URLS)


def url(protocol: str, brokers: str) -> str:
    """
    >>> url("consumer", "localhost:9092")
    'alto://localhost:9092?group.protocol=consumer'
    """
    return _URLS[protocol].format(brokers)
