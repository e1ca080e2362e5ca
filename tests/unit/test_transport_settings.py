"""What librdkafka is told: Faust's settings, then what the broker URL says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faust
import pytest

from alto_streams.errors import SettingError
from alto_streams.runtime.transport import Stream
from alto_streams.runtime.transport.configuration import consumer_settings, producer_settings


def app_of(tmp_path: Path, broker: Any = "alto://one:1", **options: Any) -> Any:
    return faust.App("settings", broker=broker, datadir=str(tmp_path), autodiscover=False, **options)


def test_several_brokers_and_properties_of_librdkafka_in_the_url(tmp_path: Path) -> None:
    app = app_of(tmp_path, "alto://one:1;two:2?security.protocol=SSL&ssl.ca.location=/ca.pem")
    for settings in (consumer_settings(app), producer_settings(app)):
        assert settings["bootstrap.servers"] == "one:1,two:2"
        assert settings["security.protocol"] == "SSL"
        assert settings["ssl.ca.location"] == "/ca.pem"


def test_an_address_of_ip_6(tmp_path: Path) -> None:
    assert consumer_settings(app_of(tmp_path, "alto://[::1]:9092"))["bootstrap.servers"] == "[::1]:9092"


def test_faust_settings_are_honoured(tmp_path: Path) -> None:
    app = app_of(
        tmp_path,
        broker_session_timeout=12.0,
        broker_heartbeat_interval=20.0,
        consumer_auto_offset_reset="latest",
        producer_linger=0.005,
        producer_compression_type="lz4",
        broker_credentials=faust.SASLCredentials(username="u", password="p", mechanism="PLAIN"),
    )
    consumer, producer = consumer_settings(app), producer_settings(app)
    assert consumer["session.timeout.ms"] == 12_000
    assert consumer["heartbeat.interval.ms"] == 4_000  # never so seldom that one lost beat ends the session
    assert consumer["auto.offset.reset"] == "latest"
    assert producer["linger.ms"] == 5
    assert producer["compression.type"] == "lz4"
    assert producer["enable.idempotence"] is True
    for settings in (consumer, producer):
        assert (settings["sasl.username"], settings["security.protocol"]) == ("u", "SASL_PLAINTEXT")


def test_fewer_acknowledgements_than_all_give_up_idempotence(tmp_path: Path) -> None:
    settings = producer_settings(app_of(tmp_path, producer_acks=1))
    assert (settings["acks"], settings["enable.idempotence"]) == (1, False)


def test_the_broker_decides_the_session_under_kafkas_own_protocol(tmp_path: Path) -> None:
    settings = consumer_settings(app_of(tmp_path, "alto://one:1?group.protocol=consumer"))
    assert settings["group.protocol"] == "consumer"
    assert not {"session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy"} & settings.keys()


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"broker": "alto://one:1?partition.assignment.strategy=range"}, "partition.assignment.strategy=range"),
        ({"producer_partitioner": lambda key, everyone, available: 0}, "producer_partitioner"),
        ({"broker_credentials": faust.GSSAPICredentials()}, "GSSAPICredentials"),
    ],
)
def test_what_librdkafka_cannot_do_is_refused_by_name(tmp_path: Path, options: dict[str, Any], names: str) -> None:
    app = app_of(tmp_path, **options)
    with pytest.raises(SettingError, match=names) as refusal:
        _ = producer_settings(app), consumer_settings(app)
    assert refusal.value.mend


def test_a_stream_class_of_ones_own_must_be_of_the_transport(tmp_path: Path) -> None:
    class Foreign(faust.Stream[Any]):
        pass

    class Ours(Stream):
        pass

    with pytest.raises(SettingError, match="Foreign"):
        _ = app_of(tmp_path, Stream=Foreign).transport
    assert app_of(tmp_path, Stream=Ours).transport is not None


@pytest.mark.parametrize("query", ["sesion.timeout.ms=6000", "socket.timeout.ms=soon", "socket.timeout.ms=1"])
async def test_a_property_that_librdkafka_refuses_is_named(tmp_path: Path, query: str) -> None:
    app = app_of(tmp_path, f"alto://one:1?{query}")
    for service in (app.consumer, app.producer):
        with pytest.raises(SettingError, match=query.partition("=")[0]) as refusal:
            await service.on_start()
        assert refusal.value.mend


async def test_transactions_are_refused_at_the_start(tmp_path: Path) -> None:
    app = app_of(tmp_path, processing_guarantee="exactly_once")
    with pytest.raises(SettingError, match="exactly_once"):
        await app.consumer.on_start()
