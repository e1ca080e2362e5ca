"""A closed loop: so many questions in flight, a new one for each that ends. What comes back is counted, not decoded."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

from confluent_kafka import Consumer, Producer, TopicPartition

from alto_streams.errors import AltoError
from perf.ceiling.stacks import Running
from schemas.question_pb2 import Question

STALL_LIMIT_S = 60.0


class LoopError(AltoError):
    """A stack does not answer, or answers with failures."""


class ClosedLoop:
    """Asks the questions in turn, again and again. Use as a context."""

    def __init__(self, running: Running, texts: Sequence[str]) -> None:
        self._running, self._texts = running, texts
        settings = {"bootstrap.servers": running.brokers, "log_level": 0}
        self._producer = Producer({**settings, "linger.ms": 0})
        self._consumer = Consumer({**settings, "group.id": "asking", "enable.auto.commit": False})
        found = [self._consumer.list_topics(name, 10).topics[name] for name in running.answers]
        self._consumer.assign([TopicPartition(str(topic), index, 0) for topic in found for index in topic.partitions])
        self.asked = 0
        self._open: set[bytes] = set()

    def __enter__(self) -> ClosedLoop:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def keep(self, in_flight: int) -> None:
        """Fills the loop up to `in_flight` questions."""
        while len(self._open) < in_flight:
            self._ask()

    def turn(self, count: int) -> float:
        """Seconds until `count` more questions have ended, each followed by another."""
        begun = time.monotonic()
        for _ in range(count):
            self._end()
            self._ask()
        return time.monotonic() - begun

    def drain(self) -> None:
        """Returns when nothing is in flight."""
        while self._open:
            self._end()

    def _ask(self) -> None:
        name, text = uuid.uuid4().hex, self._texts[self.asked % len(self._texts)]
        self.asked += 1
        self._open.add(name.encode())
        value = Question(question_id=name, text=text).SerializeToString()
        self._producer.produce(self._running.questions, value, name)
        self._producer.poll(0)

    def _end(self) -> None:
        """Waits for the end of a question. Raises LoopError."""
        until = time.monotonic() + STALL_LIMIT_S
        while time.monotonic() < until:
            message = self._consumer.poll(1.0)
            if message is None or message.error() is not None or not self._running.is_outcome(message):
                continue
            if "failure" in dict(message.headers() or ()):
                raise LoopError("A question has failed.", "see the stack's logs")
            key = message.key()
            if key in self._open:
                self._open.remove(key)
                return
        raise LoopError(f"No question has ended for {STALL_LIMIT_S:.0f} s.", "see the stack's logs")

    def records(self) -> int:
        """How many there are in all of the stack's topics."""
        topics = self._consumer.list_topics(timeout=10).topics
        partitions = [
            TopicPartition(name, index)
            for name, topic in topics.items()
            if not name.startswith("__")
            for index in topic.partitions
        ]
        return sum(self._consumer.get_watermark_offsets(one, timeout=10)[1] for one in partitions)
