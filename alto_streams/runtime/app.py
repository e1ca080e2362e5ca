"""One stage as one Faust app: its own consumer group, its own topic."""

from __future__ import annotations

from typing import Any

import faust

from alto_streams.settings import Settings

COMMIT_EVERY_S = 0.5


def make_app(group: str, configured: Settings, datadir: str) -> Any:
    """A Faust app over our transport, with all that a pipeline does not use switched off."""
    query = "?group.protocol=consumer" if configured.group_protocol == "consumer" else ""
    return faust.App(
        group,
        broker=[f"alto://{address}{query}" for address in configured.brokers.split(",")],
        store="memory://",
        datadir=datadir,
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        broker_commit_interval=COMMIT_EVERY_S,
        broker_session_timeout=configured.session_timeout_s,
        broker_heartbeat_interval=configured.session_timeout_s / 6,
        consumer_auto_offset_reset="earliest",
        producer_linger=0,
        producer_acks=-1,
        key_serializer="raw",
        value_serializer="raw",
    )


def raw_topic(app: Any, name: str) -> Any:
    """A topic whose keys and values stay bytes."""
    return app.topic(name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
