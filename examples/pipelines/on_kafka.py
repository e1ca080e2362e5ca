"""Runs a pipeline on a stack of its own (Kafka, the embedded model, every stage a process) for one question."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, NamedTuple
from uuid import uuid4

from confluent_kafka import Producer
from rich.console import Console

from alto_streams.cli.demo import stack_of_its_own
from alto_streams.errors import AltoError, BrokerError
from alto_streams.pipeline import load
from alto_streams.settings import settings
from alto_streams.tail import TopicTail
from examples.pipelines.messages_pb2 import Told
from schemas.question_pb2 import Question
from topics import names

OPEN_S = 10.0
MARGIN_S = 10.0  # after the deadline, within which the pipeline says that it has passed


class Seen(NamedTuple):
    """One published item, so many seconds after the question."""

    seconds: float
    type: str
    item: str
    value: Any


def answers(target: str, question: str) -> Iterator[Seen]:
    """What streams out of the pipeline at `module:attribute`, the outcome last. Raises AltoError."""
    os.environ["ALTO_PIPELINE"] = target
    home = settings().home / "examples" / load(target).name
    with stack_of_its_own(home, Console()) as running:
        yield from ask(running.brokers, target, question)


def ask(brokers: str, target: str, question: str) -> Iterator[Seen]:
    """Asks a pipeline that runs. Raises BrokerError when the broker is lost, or no outcome comes."""
    pipeline, key, asked = load(target), uuid4().hex, time.monotonic()
    types = {name: stream.type for stream, name in pipeline.published} | {"outcome": Told}
    if pipeline.result is not None:
        types[pipeline.result_type] = pipeline.result.type
    come: queue.Queue[tuple[dict[str, bytes], bytes] | AltoError] = queue.Queue()

    def on_record(_: bytes, headers: Sequence[tuple[str, bytes]] | None, value: bytes) -> None:
        come.put((dict(headers or ()), value))

    # Listen first, ask then: what comes at once would be missed.
    topics = (names.verified_claims(pipeline.name), names.progress(pipeline.name))
    tail = TopicTail(brokers, topics, {key.encode(): None}, on_record, lambda: None, come.put)
    tail.open(OPEN_S)
    with closing(tail):
        producer = Producer({"bootstrap.servers": brokers, "log_level": 0})
        producer.produce(names.questions(pipeline.name), Question(text=question).SerializeToString(), key)
        producer.flush(OPEN_S)
        seen: set[tuple[str, str]] = set()
        while True:
            try:
                got = come.get(timeout=settings().deadline_ms / 1000 + MARGIN_S)
            except queue.Empty:
                raise BrokerError("No outcome came by the question's deadline.", "read the stack's logs") from None
            if isinstance(got, AltoError):
                raise got
            headers, value = got
            type, item = headers["type"].decode(), headers["id"].decode()
            if (type, item) in seen:  # at least once: the same record may come again
                continue
            seen.add((type, item))
            yield Seen(time.monotonic() - asked, type, item, types[type].FromString(value))
            if type == "outcome":
                return
