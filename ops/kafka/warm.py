"""What brokers on this machine share beside the jars: a formatted cluster's features and the JVM's start-up cache.

Made once (one format and one training run, 6 s of processor time); halves the processor time of every later start.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from alto_streams.errors import BrokerError
from ops.kafka import jars, jvm
from ops.kafka.ports import free_ports
from ops.kafka.properties import HOST, server_properties
from ops.kafka.storage import CHECKPOINT, prepare_storage

_START_S = 90.0
_ASSEMBLE_S = 240.0
_HEAP = "256m"


@dataclass(frozen=True)
class Warm:
    """What a start needs from the cache folder."""

    jars: list[Path]
    checkpoint: Path
    aot: Path

    @property
    def options(self) -> list[str]:
        # Empty: this JRE could not make one. A cache that does not fit any more is ignored by the JVM itself.
        return [f"-XX:AOTCache={self.aot}", "-Xlog:aot*=off"] if self.aot.stat().st_size else []


def prepare(cache: Path | None = None, progress: jars.Progress | None = None) -> Warm:
    """Makes what is missing: jars (44 MB), features, start-up cache (65 MB). Quick when all is there.

    Raises AssetError when the jars cannot be had, BrokerError when Kafka cannot run at all.
    """
    paths = jars.fetch(cache, progress)
    folder = jars.kafka_folder(cache) / f"warm-{_key(paths)}"
    warm = Warm(paths, folder / CHECKPOINT, folder / "kafka.aot")
    if warm.aot.exists():
        return warm
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with jars.exclusive(folder / ".lock"):
            if not warm.aot.exists():
                with tempfile.TemporaryDirectory(dir=folder, prefix="training-") as work:
                    _format(paths, warm.checkpoint, Path(work))
                    _train(warm, Path(work))
    except OSError as error:
        raise jars.unwritable("Kafka's start-up cache", folder, error) from error
    return warm


def _key(paths: Sequence[Path]) -> str:
    """The start-up cache fits one JRE, one class path and one collector."""
    parts = [jars.LOCK.read_text(), str(paths[0].parent), str(jvm.java()), *jvm.OPTIONS]
    release = jvm.java().parent.parent / "release"
    if release.exists():
        parts.append(release.read_text())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _format(paths: Sequence[Path], checkpoint: Path, work: Path) -> None:
    if checkpoint.exists():
        return
    data, settings, log = work / "format", work / "format.properties", work / "format.log"
    settings.write_text(server_properties(data, *free_ports(2)))
    arguments = ("format", "--cluster-id", "AAAAAAAAAAAAAAAAAAAAAA", "--config", str(settings))
    process = jvm.launch(paths, "kafka.tools.StorageTool", arguments, heap=_HEAP, log=log)
    try:
        status = process.wait(_START_S)
    except subprocess.TimeoutExpired:
        raise BrokerError("Kafka's formatter did not end.", "the machine may be overloaded: try again") from None
    finally:
        jvm.end(process, 0)
    if status != 0:
        raise jvm.failure(log)
    part = work / "checkpoint"
    shutil.copyfile(data / CHECKPOINT, part)
    part.replace(checkpoint)


def _train(warm: Warm, work: Path) -> None:
    """One short life of a broker under the eyes of the JVM, which then writes down what it loaded and linked."""
    log, settings, part = work / "training.log", work / "server.properties", work / "kafka.aot"
    port, controller = free_ports(2)
    cluster = prepare_storage(work / "data", warm.checkpoint)
    settings.write_text(server_properties(work / "data", port, controller))
    options = (f"-XX:AOTCacheOutput={part}", "-Xlog:aot*=off")
    process = jvm.launch(warm.jars, "kafka.Kafka", (str(settings),), heap=_HEAP, log=log, options=options)
    try:
        jvm.wait_until_answers(process, f"{HOST}:{port}", cluster, log, _START_S)
        # What is not exercised is only slower to load later.
        with contextlib.suppress(KafkaException):
            _exercise(f"{HOST}:{port}")
    finally:
        jvm.end(process, _ASSEMBLE_S)
    if not part.exists():
        part.touch()
    part.replace(warm.aot)


def _exercise(bootstrap: str) -> None:
    topic = "training"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_topics([NewTopic(topic, 2, 1)]).values():
        future.result(30)
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})
    for number in range(100):
        producer.produce(topic, key=str(number), value=b"x" * 200, headers={"n": b"1"})
    producer.flush(30)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "training", "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe([topic])
        consumer.consume(100, timeout=20)
        consumer.commit(asynchronous=False)
    finally:
        consumer.close()
