"""Sends questions at times fixed beforehand, whatever comes back, and waits for their ends."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from alto_streams.admission import CANCEL, PROTOBUF, check_question_type
from alto_streams.client import OPEN_TIMEOUT_S, SEND_TIMEOUT_S
from alto_streams.errors import AltoError, BrokerError
from alto_streams.pipeline import Pipeline
from alto_streams.tail import TopicTail
from perf.load.errors import LoadError
from perf.load.listener import NO_OUTCOME, UNDELIVERED, UNFINISHED, Asked, Listener
from perf.load.report import Report
from topics import names

LEAD_S = 0.2  # from the begin of a run to its first possible arrival: threads are up by then
LOOK_EVERY_S = 0.1
MARGIN_S = 5.0  # after a question's deadline, for its outcome to arrive
_HEADERS: list[tuple[str, str | bytes | None]] = [("content-type", PROTOBUF.encode())]

_log = logging.getLogger("perf.load.kafka")
_log.addHandler(logging.NullHandler())
_log.propagate = False


async def offer(
    brokers: str,
    arrivals: Sequence[float],
    questions: Sequence[str],
    pipeline: Pipeline,
    *,
    warm_up_s: float = 0.0,
    seconds: float | None = None,
    deadline_s: float = 60.0,
    connections: int = 8,
    stop: asyncio.Event | None = None,
    watch: Callable[[Run], object] | None = None,
    kafka: Mapping[str, Any] | None = None,
) -> Report:
    """Sends a question at each of `arrivals` (ascending seconds from the begin) and reports how they fared.

    The nth arrival asks the nth of `questions`, which begin anew when they are used up. What is due before `warm_up_s`
    is sent and not reported; the measured window is the `seconds` after it (by default up to the last arrival).
    Producers take turns, as many as `connections`; one listener reads what comes back. When `stop` is set the report
    covers what was due by then, and what is still open is cancelled. `watch` is called ten times a second. Raises
    LoadError, and BrokerError when no broker answers.
    """
    if not arrivals or not questions:
        raise LoadError("There is no question to send.", "offer a higher rate, or for longer")
    run = Run(brokers, arrivals, questions, pipeline, deadline_s, connections, dict(kafka or {}))
    stopped, lost = stop or asyncio.Event(), ""
    window_s = max(arrivals[-1] - warm_up_s, 0.0) if seconds is None else seconds
    cpu_before = time.process_time()
    try:
        await asyncio.to_thread(run.begin)
        while not run.over() and not stopped.is_set() and not run.lost:
            await asyncio.sleep(LOOK_EVERY_S)
            run.serve()
            if watch is not None:
                watch(run)
    finally:
        early = not run.over()
        elapsed = run.elapsed_s
        lost = "" if run.lost is None else str(run.lost)
        await asyncio.to_thread(run.end)
    cut = max(0.0, min(window_s, elapsed - warm_up_s)) if early else window_s
    return Report(
        pipeline=pipeline,
        asked=run.asked,
        warm_up_s=warm_up_s,
        seconds=cut,
        connections=connections,
        deadline_s=deadline_s,
        cpu_s=time.process_time() - cpu_before,
        emulated=run.listener.emulated,
        stopped=early,
        lost=lost,
    )


class Run:
    """One load under way: a thread that sends, the tail's thread that listens, and whoever calls `serve`."""

    def __init__(
        self,
        brokers: str,
        arrivals: Sequence[float],
        questions: Sequence[str],
        pipeline: Pipeline,
        deadline_s: float,
        connections: int,
        kafka: dict[str, Any],
    ) -> None:
        check_question_type(pipeline.source.type, pipeline.name)
        self._brokers, self._deadline_s, self._kafka = brokers, deadline_s, kafka
        self._topic = names.questions(pipeline.name)
        self.listener = Listener(pipeline.result_type)
        self.asked = [Asked(due) for due in arrivals]
        self._records = [self._record(pipeline, questions[i % len(questions)]) for i in range(len(arrivals))]
        for (key, _), asked in zip(self._records, self.asked, strict=True):
            self.listener.open[key] = asked
        self.lost: AltoError | None = None
        self.sent = self._overdue = 0
        self._stopping = threading.Event()
        self._sender = threading.Thread(target=self._send_all, name="load-sender", daemon=True)
        self._producers = [self._producer() for _ in range(connections)]
        topics = (names.verified_claims(pipeline.name), names.progress(pipeline.name))
        self._tail = TopicTail(
            brokers, topics, self.listener.open, self.listener.on_record, lambda: None, self._lose, kafka=kafka
        )

    def begin(self) -> None:
        """Listens, connects and starts to send. Raises BrokerError."""
        self._tail.open(OPEN_TIMEOUT_S)
        for producer in self._producers:
            self._connect(producer)
        self.listener.begun_at = time.monotonic() + LEAD_S
        self._sender.start()

    def serve(self) -> None:
        """Hears of questions that could not be delivered, and gives up those whose outcome is overdue."""
        for producer in self._producers:
            producer.poll(0)
        known, overdue = self._overdue, self.elapsed_s - self._deadline_s - MARGIN_S
        while self._overdue < self.sent and self.asked[self._overdue].due_s <= overdue:
            self._overdue += 1
        self.listener.give_up([key for key, _ in self._records[known : self._overdue]], NO_OUTCOME)

    def over(self) -> bool:
        """Whether every question has been sent and has ended."""
        return self.sent == len(self.asked) and not self.listener.open

    def end(self) -> None:
        """Stops sending and listening. Questions still open are cancelled: nobody waits for them."""
        self._stopping.set()
        if self._sender.is_alive():
            self._sender.join()
        open = list(self.listener.open)
        self.listener.give_up(open, UNFINISHED)
        self._cancel(open)
        self._tail.close()
        for producer in self._producers:
            producer.flush(SEND_TIMEOUT_S)

    @property
    def elapsed_s(self) -> float:
        """Since the begin; negative before it."""
        begun = self.listener.begun_at
        return time.monotonic() - begun if begun else 0.0

    def _record(self, pipeline: Pipeline, text: str) -> tuple[bytes, bytes]:
        question_id = uuid4().hex
        question = pipeline.source.type(
            question_id=question_id, text=text, deadline_ms=max(1, int(self._deadline_s * 1000))
        )
        return question_id.encode(), question.SerializeToString()

    def _producer(self) -> Producer:
        settings = {
            "bootstrap.servers": self._brokers,
            "linger.ms": 0,
            "message.timeout.ms": int(SEND_TIMEOUT_S * 1000),
            "delivery.report.only.error": True,
            **self._kafka,
        }
        return Producer(settings, logger=_log)

    def _connect(self, producer: Producer) -> None:
        try:
            producer.list_topics(self._topic, OPEN_TIMEOUT_S)  # or its first question waits for the connection
        except KafkaException as error:
            raise BrokerError(
                f"No Kafka broker answers at {self._brokers} ({error.args[0].str()}).",
                "start one with `alto up`, or correct --brokers",
            ) from None

    def _send_all(self) -> None:
        begun, count = self.listener.begun_at, len(self._producers)
        for number, ((key, value), asked) in enumerate(zip(self._records, self.asked, strict=True)):
            wait = begun + asked.due_s - time.monotonic()
            if self._stopping.is_set() or (wait > 0 and self._stopping.wait(wait)):
                return
            asked.late_s = time.monotonic() - begun - asked.due_s
            self._send(self._producers[number % count], key, value)
            self.sent = number + 1

    def _send(self, producer: Producer, key: bytes, value: bytes) -> None:
        try:
            producer.produce(self._topic, value, key, on_delivery=self._undelivered, headers=_HEADERS)
        except (KafkaException, BufferError):
            self.listener.give_up([key], UNDELIVERED)

    def _undelivered(self, error: KafkaError | None, message: Message) -> None:
        key = message.key()
        if error is not None and isinstance(key, bytes):
            self.listener.give_up([key], UNDELIVERED)

    def _cancel(self, keys: Sequence[bytes]) -> None:
        sent = {key for (key, _), asked in zip(self._records, self.asked, strict=True) if asked.late_s is not None}
        for key in keys:
            if key in sent:
                try:
                    self._producers[0].produce(self._topic, None, key, headers=[("type", CANCEL)])
                except (KafkaException, BufferError):
                    return  # one that is not cancelled has its deadline

    def _lose(self, error: AltoError) -> None:
        self.lost = error
