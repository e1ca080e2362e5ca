"""The stack of docker-compose.yml under a name of its own: brought up, looked into, asked over the published port.

`docker compose` itself is called: testcontainers' class for it does the same, and its other parts (Ryuk, waiting for
ports) would not be used.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.outcome_pb2 import Outcome
from schemas.question_pb2 import Question
from topics import names

ROOT = Path(__file__).parents[2]
UP_S = 900.0  # with a cold build
DEADLINE_MS = 600_000
SETTINGS = ("ALTO_", "COMPOSE_", "OTEL_")  # of which a developer's own do not count


class Stack:
    """`env` is what a `.env` would say, `files` are its COMPOSE_FILE; services are named as in the file."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.brokers = f"localhost:{port}"
        self.project = f"alto-test-{uuid.uuid4().hex[:8]}"
        self.files = ["docker-compose.yml"]
        self.env = {"ALTO_KAFKA_PORT": str(port), "ALTO_LOG_LEVEL": "debug"}

    def compose(self, *arguments: str, seconds: float = 300.0) -> str:
        """What `docker compose` prints. Its own `.env`, if the checkout has one, does not count."""
        # With a project's name and no file, compose knows the containers' labels only.
        files, name = [f"--file={file}" for file in self.files], ("--project-name", self.project)
        line = ["docker", "compose", *files, *name, "--env-file", os.devnull, *arguments]
        given = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
        done = subprocess.run(
            line, cwd=ROOT, env={**given, **self.env}, capture_output=True, text=True, timeout=seconds
        )
        assert done.returncode == 0, f"{' '.join(line)}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def up(self) -> None:
        """Returns when everything answers: the service `ready` waits for all others."""
        self.compose("up", "--detach", "--build", seconds=UP_S)  # or images of an earlier state would be tested

    def down(self) -> None:
        line = ("down", "--volumes", "--remove-orphans", "--timeout", "5")
        try:
            self.compose(*line)
        except AssertionError:  # an engine may count a container that has just gone as still in the network
            time.sleep(2)
            self.compose(*line)

    def containers(self, service: str = "", *, all_states: bool = False) -> list[dict[str, Any]]:
        """What `docker inspect` says of them; without `all_states`, only of those that run."""
        wanted = [*(["--all"] if all_states else []), "--quiet", *([service] if service else [])]
        ids = self.compose("ps", *wanted).split()
        return list(json.loads(docker("inspect", *ids))) if ids else []

    def log(self, service: str) -> list[str]:
        """What its containers wrote, on either output; compose itself would mix control characters in."""
        ids = [container["Id"] for container in self.containers(service, all_states=True)]
        return [line for id in ids for line in docker("logs", id).splitlines()]

    def alto(self, *arguments: str) -> str:
        """The host's command line over the published port."""
        line = [sys.executable, "-m", "alto_streams.cli.main", *arguments]
        env = {**os.environ, "ALTO_BROKERS": self.brokers, "ALTO_DEADLINE_MS": str(DEADLINE_MS)}
        done = subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        return done.stdout


class Asker:
    """A plain Kafka client on the host: asks, and counts the outcomes of each question."""

    def __init__(self, brokers: str, pipeline: str = "factool") -> None:
        self._topic = names.questions(pipeline)
        self._producer = Producer({"bootstrap.servers": brokers})
        self._consumer = Consumer({"bootstrap.servers": brokers, "group.id": "asker", "enable.auto.commit": False})
        output = names.verified_claims(pipeline)
        known = self._consumer.list_topics(output, 30).topics[output].partitions
        self._consumer.assign([TopicPartition(output, partition, 0) for partition in known])
        self.outcomes: defaultdict[str, list[Outcome]] = defaultdict(list)

    def ask(self, count: int) -> list[str]:
        """Asks so many questions and returns their ids."""
        ids = [uuid.uuid4().hex for _ in range(count)]
        for question in ids:
            value = Question(text=f"What is {question}?", deadline_ms=DEADLINE_MS).SerializeToString()
            self._producer.produce(self._topic, value, question)
        assert self._producer.flush(60) == 0
        return ids

    def wait(self, ids: list[str], count: int, seconds: float = 540.0) -> None:
        """Until `count` of these questions have ended."""
        until = time.monotonic() + seconds
        while (ended := sum(question in self.outcomes for question in ids)) < count:
            assert time.monotonic() < until, f"{ended} of {count} questions have ended"
            self._read(0.2)

    def wait_for_all(self, ids: list[str]) -> None:
        """Until all have ended; each once, and with its claims."""
        self.wait(ids, len(ids))
        for _ in range(10):  # a second outcome would come now
            self._read(0.2)
        for question in ids:
            [outcome] = self.outcomes[question]
            assert outcome.status == Outcome.COMPLETE, outcome.failure
            assert outcome.claims

    def close(self) -> None:
        self._consumer.close()

    def _read(self, seconds: float) -> None:
        message = self._consumer.poll(seconds)
        if message is not None and message.error() is None and dict(message.headers() or ())["type"] == b"outcome":
            outcome = Outcome.FromString(message.value() or b"")
            self.outcomes[(message.key() or b"").decode()].append(outcome)


def docker(*arguments: str) -> str:
    """What it prints, on either output."""
    line = ["docker", *arguments]
    return subprocess.run(
        line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=True
    ).stdout


def missing() -> str:
    """Why no stack can be brought up here, or nothing."""
    for line in (["docker", "info"], ["docker", "compose", "version"]):
        try:
            done = subprocess.run(line, capture_output=True, text=True, timeout=30)
        except OSError as error:
            return f"`docker` cannot be run ({error.strerror})"
        if done.returncode != 0:
            return f"`{' '.join(line)}` says: {done.stderr.strip().splitlines()[-1:] or done.returncode}"
    return ""
