"""Declares a topic that a Faust app owns, such as the one of its replies."""

from __future__ import annotations

from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from mode.utils.times import want_seconds

_CONNECTION = ("bootstrap.servers", "security.", "sasl.", "ssl.")


def create_topic(
    settings: dict[str, Any],
    topic: str,
    partitions: int,
    replication: int,
    *,
    config: Any = None,
    timeout: Any = 30.0,
    retention: Any = None,
    compacting: bool | None = None,
    deleting: bool | None = None,
    ensure_created: bool = False,
) -> None:
    """Returns when the topic exists; `settings` are a client's, `retention` is in seconds. Raises KafkaException."""
    policies = [name for name, wanted in (("compact", compacting), ("delete", deleting)) if wanted]
    wanted = dict(config or {})
    if policies:
        wanted["cleanup.policy"] = ",".join(policies)
    if retention:
        wanted["retention.ms"] = str(int(want_seconds(retention) * 1000))
    admin = AdminClient({name: value for name, value in settings.items() if name.startswith(_CONNECTION)})
    asked = NewTopic(topic, num_partitions=partitions, replication_factor=replication, config=wanted)
    try:
        admin.create_topics([asked], operation_timeout=want_seconds(timeout))[topic].result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
