"""The embedded broker for real: records, restart, two side by side, and every way to fail that a user can meet."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from alto_streams.errors import AssetError, BrokerError
from ops.kafka import jars, jvm, warm
from ops.kafka.embedded import EmbeddedKafka
from ops.kafka.ports import free_ports, is_free
from ops.kafka.properties import HOST


def create_topic(bootstrap: str, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(20)


def produce(bootstrap: str, topic: str, *values: bytes) -> None:
    producer = Producer({"bootstrap.servers": bootstrap})
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(20) == 0


def consume(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    settings = {"bootstrap.servers": bootstrap, "group.id": f"{topic}-readers", "auto.offset.reset": "earliest"}
    consumer = Consumer(settings)
    try:
        consumer.subscribe([topic])
        return [message.value() for message in consumer.consume(count, timeout=20)]
    finally:
        consumer.close()


def topics(bootstrap: str) -> set[str]:
    return set(AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=20).topics)


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_is_produced_is_consumed(kafka: EmbeddedKafka) -> None:
    create_topic(kafka.bootstrap, "embedded-echo")
    produce(kafka.bootstrap, "embedded-echo", b"one", b"two", b"three")
    assert consume(kafka.bootstrap, "embedded-echo", 3) == [b"one", b"two", b"three"]


def test_topics_are_not_created_by_accident(kafka: EmbeddedKafka) -> None:
    reports: list[str] = []
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "message.timeout.ms": 1500})
    producer.produce("embedded-typo", b"x", on_delivery=lambda error, _: reports.append(str(error)))
    producer.flush(20)
    assert len(reports) == 1
    assert "KafkaError" in reports[0]
    assert "embedded-typo" not in topics(kafka.bootstrap)


def test_a_restart_keeps_records_and_port(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path) as first:
        bootstrap = first.bootstrap
        create_topic(bootstrap, "kept")
        produce(bootstrap, "kept", b"before")
    with EmbeddedKafka(tmp_path) as second:
        assert second.bootstrap == bootstrap
        produce(bootstrap, "kept", b"after")
        assert consume(bootstrap, "kept", 2) == [b"before", b"after"]


def test_after_sigkill_another_port_and_the_same_records(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path) as first:
        create_topic(first.bootstrap, "kept")
        produce(first.bootstrap, "kept", b"before")
        port = int(first.bootstrap.rpartition(":")[2])
        os.kill(first.pid, signal.SIGKILL)
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind((HOST, port))
        squatter.listen()
        with EmbeddedKafka(tmp_path) as second:
            assert not second.bootstrap.endswith(f":{port}")
            assert consume(second.bootstrap, "kept", 1) == [b"before"]


def test_two_side_by_side_are_strangers(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path) as other:
        assert other.bootstrap != kafka.bootstrap
        create_topic(other.bootstrap, "only-here")
        assert "only-here" not in topics(kafka.bootstrap)


def test_one_folder_has_one_broker(kafka: EmbeddedKafka) -> None:
    with pytest.raises(BrokerError, match=f"pid {kafka.pid}"):
        EmbeddedKafka(kafka.folder).start()
    assert topics(kafka.bootstrap) is not None


def test_it_listens_on_this_machine_only(kafka: EmbeddedKafka) -> None:
    settings = (kafka.folder / "server.properties").read_text()
    listeners = next(line for line in settings.splitlines() if line.startswith("listeners="))
    assert [one.rpartition("://")[2].partition(":")[0] for one in listeners.split(",")] == [HOST, HOST]


def test_stop_leaves_nothing(tmp_path: Path) -> None:
    kafka = EmbeddedKafka(tmp_path)
    kafka.start()
    pid, port = kafka.pid, int(kafka.bootstrap.rpartition(":")[2])
    kafka.stop()
    assert not runs(pid)
    assert is_free(port)
    assert not (tmp_path / "kafka.pid").exists()
    kafka.stop()
    with pytest.raises(BrokerError, match="not started"):
        _ = kafka.pid


def test_a_stop_that_hangs_is_ended(tmp_path: Path) -> None:
    kafka = EmbeddedKafka(tmp_path, stop_limit_s=0.5)
    kafka.start()
    pid = kafka.pid
    os.kill(pid, signal.SIGSTOP)
    kafka.stop()
    assert not runs(pid)


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as squatter:
        squatter.bind((HOST, 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        kafka = EmbeddedKafka(tmp_path, port)
        with pytest.raises(BrokerError, match=f"Port {port}") as caught:
            kafka.start()
        assert caught.value.mend


def test_a_port_lost_while_it_starts_is_chosen_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as squatter:
        squatter.bind((HOST, 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        offers = iter([[taken, free_ports(1)[0]], free_ports(2)])
        monkeypatch.setattr("ops.kafka.embedded.free_ports", lambda _count: next(offers))
        monkeypatch.setattr("ops.kafka.embedded.is_free", lambda port: port != taken)
        with EmbeddedKafka(tmp_path) as kafka:
            assert not kafka.bootstrap.endswith(f":{taken}")


@pytest.mark.parametrize("content", ["", "version=1\nnode.id=1\n", "\0\0\0\0"])
def test_damaged_storage_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "meta.properties").write_text(content)
    with pytest.raises(BrokerError, match="damaged"):
        EmbeddedKafka(tmp_path).start()


def test_what_only_kafka_can_refuse_is_told_from_its_log(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    meta = "version=1\ncluster.id=AAAAAAAAAAAAAAAAAAAAAA\nnode.id=1\ndirectory.id=not-an-id\n"
    (tmp_path / "data" / "meta.properties").write_text(meta)
    kafka = EmbeddedKafka(tmp_path)
    with pytest.raises(BrokerError, match="Kafka ended while it started") as caught:
        kafka.start()
    assert str(kafka.log) in caught.value.mend
    assert not (tmp_path / "kafka.pid").exists()


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BrokerError, match="cannot use the folder"):
        EmbeddedKafka(tmp_path / "file").start()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Caused by: java.net.BindException: Address already in use", "port was taken"),
        ("java.io.IOException: No space left on device", "disk is full"),
        ("java.lang.OutOfMemoryError: Java heap space", "memory"),
        ("java.lang.RuntimeException: the dog ate it", "the dog ate it"),
    ],
)
def test_why_it_ended(tmp_path: Path, line: str, told: str) -> None:
    log = tmp_path / "server.log"
    log.write_text(f"[main] ERROR kafka.Kafka$ - Exiting\n{line}\n\tat kafka.Kafka.main(Kafka.java)\n")
    assert told in jvm.failure(log).message
    assert jvm.failure(log).mend


def test_a_damaged_start_up_cache_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = warm.prepare()
    broken = tmp_path / "kafka.aot"
    broken.write_bytes(ready.aot.read_bytes()[:100_000])
    damaged = warm.Warm(ready.jars, ready.checkpoint, broken)
    monkeypatch.setattr("ops.kafka.embedded.warm.prepare", lambda *_: damaged)
    with EmbeddedKafka(tmp_path / "kafka") as kafka:
        create_topic(kafka.bootstrap, "works")


def test_a_damaged_jar_is_fetched_again_or_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kafka" / "jars"
    folder.mkdir(parents=True)
    for path in jars.fetch():
        (folder / path.name).symlink_to(path)
    damaged = folder / jars.locked_jars()[0].filename
    size = damaged.stat().st_size
    damaged.unlink()
    damaged.write_bytes(b"\0" * size)
    nowhere = tmp_path / "jgo.conf"
    nowhere.write_text(f"[repositories]\ncentral = http://{HOST}:{free_ports(1)[0]}/maven2\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(nowhere))
    assert jars.cached(tmp_path)
    with pytest.raises(AssetError, match=damaged.name) as caught:
        jars.fetch(tmp_path)
    assert "refused" in caught.value.message
    assert sorted(path.name for path in folder.iterdir() if path.suffix == "") == [".lock"]


def test_the_command_prints_its_address_and_stops_on_interrupt(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ops.kafka", "--folder", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        bootstrap = process.stdout.readline().strip()
        assert isinstance(topics(bootstrap), set)
        pid = int((tmp_path / "kafka.pid").read_text())
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert not runs(pid)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)
        if process.stdout is not None:
            process.stdout.close()
