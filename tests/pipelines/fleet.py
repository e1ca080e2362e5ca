"""Worker processes on a real broker, started and stopped by process id, and the questions put to them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from alto_streams.controller.publish import publish_routing
from alto_streams.pipeline import load
from alto_streams.supervisor.instances import partitions_of
from schemas.outcome_pb2 import Outcome
from topics import names
from topics.definitions import definitions
from topics.provision import provision

ROOT = Path(__file__).parents[2]


class Fleet:
    """The workers of one pipeline. `outcomes` and `claims` fill as `collect` reads the output topic."""

    def __init__(self, brokers: str, target: str, folder: Path, instances: Mapping[str, int]) -> None:
        self.brokers, self.target, self.folder = brokers, target, folder
        self.pipeline = load(target)
        self.instances = {stage.name: instances.get(stage.name, 1) for stage in self.pipeline.plan.stages}
        self.processes: dict[tuple[str, int], subprocess.Popen[bytes]] = {}
        self.outcomes: defaultdict[str, list[Outcome]] = defaultdict(list)
        self.producer = Producer({"bootstrap.servers": brokers})
        self.consumer = Consumer({"bootstrap.servers": brokers, "group.id": "test", "enable.auto.commit": False})
        partitions = partitions_of(self.instances)
        provision(brokers, definitions(self.pipeline.name, partitions))
        publish_routing(brokers, self.pipeline.name, partitions)
        self.consumer.assign([TopicPartition(names.verified_claims(self.pipeline.name), p, 0) for p in range(4)])

    def start(self, stage: str, instance: int = 0) -> None:
        ready = self._ready_file(stage, instance)
        ready.unlink(missing_ok=True)
        env = {
            **os.environ,
            "ALTO_HOME": str(self.folder / "home"),
            "ALTO_BROKERS": self.brokers,
            "ALTO_PIPELINE": self.target,
            "ALTO_READY_FILE": str(ready),
            "ALTO_GROUP_PROTOCOL": "consumer",
        }
        argv = [sys.executable, "-m", "alto_streams.runtime.worker", "--stage", stage, "--instance", str(instance)]
        with (self.folder / f"{stage}-{instance}.log").open("ab") as log:
            self.processes[stage, instance] = subprocess.Popen(argv, env=env, stderr=log, stdout=log, cwd=ROOT)

    def start_all(self) -> None:
        for stage, count in self.instances.items():
            for instance in range(count):
                self.start(stage, instance)

    def wait_ready(self, seconds: float = 90) -> None:
        until = time.monotonic() + seconds
        for stage, instance in self.processes:
            while not self._ready_file(stage, instance).exists():
                assert self.processes[stage, instance].poll() is None, self.log(stage, instance)
                assert time.monotonic() < until, f"{stage}-{instance} is not ready: {self.log(stage, instance)}"
                time.sleep(0.05)

    def kill(self, stage: str, instance: int = 0) -> None:
        """SIGKILL: nothing is committed, nothing is said goodbye to."""
        process = self.processes.pop((stage, instance))
        process.kill()
        process.wait()

    def ask(self, question_id: str, value: bytes, headers: Mapping[str, bytes] | None = None) -> None:
        topic = names.questions(self.pipeline.name)
        self.producer.produce(topic, key=question_id, value=value, headers=list((headers or {}).items()))
        self.producer.poll(0)

    def collect(self, questions: int, seconds: float = 90) -> None:
        """Reads outcomes until so many questions have one. Fails after `seconds`."""
        self.producer.flush(10)
        until = time.monotonic() + seconds
        while len(self.outcomes) < questions:
            assert time.monotonic() < until, f"{len(self.outcomes)} of {questions} outcomes came"
            self._read(self.consumer.poll(0.2))

    def collect_for(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._read(self.consumer.poll(0.2))

    def dead_letters(self) -> list[Message]:
        """Everything on the dead-letter topic."""
        topic = names.dead_letters(self.pipeline.name)
        consumer = Consumer({"bootstrap.servers": self.brokers, "group.id": "dead", "enable.auto.commit": False})
        try:
            consumer.assign([TopicPartition(topic, 0, 0)])
            _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
            found: list[Message] = []
            while len(found) < end:
                message = consumer.poll(10)
                assert message is not None
                assert message.error() is None
                found.append(message)
            return found
        finally:
            consumer.close()

    def log(self, stage: str, instance: int = 0) -> str:
        return (self.folder / f"{stage}-{instance}.log").read_text()[-2000:]

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.consumer.close()
        self.producer.flush(5)

    def _read(self, message: Message | None) -> None:
        if message is None or message.error() is not None:
            return
        if dict(message.headers() or [])["type"] == b"outcome":
            self.outcomes[(message.key() or b"").decode()].append(Outcome.FromString(message.value() or b""))

    def _ready_file(self, stage: str, instance: int) -> Path:
        return self.folder / f"{stage}-{instance}.ready"


@contextmanager
def fleet(
    brokers: str,
    folder: Path,
    instances: Mapping[str, int] | None = None,
    target: str = "tests.pipelines.small:pipeline",
) -> Iterator[Fleet]:
    """A running fleet, stopped at the end whatever happens."""
    running = Fleet(brokers, target, folder, instances or {})
    try:
        running.start_all()
        running.wait_ready()
        yield running
    finally:
        running.stop()
