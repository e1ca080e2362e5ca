"""One stage as one Faust app: its own consumer group, its own topic."""

from __future__ import annotations

from typing import Any

import faust

COMMIT_EVERY_S = 0.5
METADATA_AGE_MS = 3000  # or added partitions are not seen for minutes
SESSION_TIMEOUT_S = 6.0
HEARTBEAT_S = 1.5


def make_app(group: str, brokers: str, datadir: str) -> Any:
    """A Faust app over our transport, with all that a pipeline does not use switched off."""
    return faust.App(
        group,
        broker=[f"alto://{broker}" for broker in brokers.split(",")],
        store="memory://",
        datadir=datadir,
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        broker_commit_interval=COMMIT_EVERY_S,
        broker_session_timeout=SESSION_TIMEOUT_S,
        broker_heartbeat_interval=HEARTBEAT_S,
        consumer_auto_offset_reset="earliest",
        consumer_metadata_max_age_ms=METADATA_AGE_MS,
        producer_linger=0,
        producer_acks=-1,
        key_serializer="raw",
        value_serializer="raw",
    )


def raw_topic(app: Any, name: str) -> Any:
    """A topic whose keys and values stay bytes."""
    return app.topic(name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
