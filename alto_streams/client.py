"""Asks questions of a running pipeline and streams what comes back, many questions at once over one connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Mapping
from types import TracebackType
from typing import Any
from uuid import uuid4

from confluent_kafka import KafkaError, KafkaException, Producer
from google.protobuf.message import Message

from alto_streams.admission import CANCEL, check_question_type, question_id_of
from alto_streams.errors import AltoError, BrokerError, InvalidInput
from alto_streams.event_types import FACTOOL, EventTypes
from alto_streams.events import (
    ClaimEvent,
    EndEvent,
    Event,
    Headers,
    ItemEvent,
    OutcomeEvent,
    SentenceEvent,
    VerifiedClaimEvent,
    decode_event,
)
from alto_streams.known_brokers import KnownBrokers
from alto_streams.pipeline import Pipeline
from alto_streams.settings import settings
from alto_streams.tail import TopicTail
from schemas.question_pb2 import Question
from topics import names

OPEN_TIMEOUT_S = 5.0
SEND_TIMEOUT_S = 5.0
MARGIN_S = 10.0
_CONTENT_TYPE: list[tuple[str, str | bytes | None]] = [("content-type", b"application/x-protobuf")]

_log = logging.getLogger("alto_streams.client.kafka")
_log.addHandler(logging.NullHandler())
_log.propagate = False


class QuestionTimeout(AltoError):
    """No outcome came, although the question's deadline and the margin after it have passed."""


class ClientClosed(AltoError):
    """The client was closed, or never opened, while a question needed it."""


class AltoClient:
    """A connection to one pipeline. Open it with `async with`; `ask` as many questions at once as you like.

    `pipeline` is the name of one that answers as FacTool does, or any Pipeline, as `alto_streams.pipeline.load` gives
    it: its items then come as ItemEvent, and its outcome as EndEvent.

        async with AltoClient("localhost:9092") as client:
            async for event in client.ask("Who wrote The Old Man and the Sea?"):
                print(event)

    `deadline_s` is what a question gets that names no deadline of its own (default: the setting ALTO_DEADLINE_MS),
    `margin_s` how long after a deadline the outcome may still come. With `cancels`, a question is cancelled when the
    task that waits for its next event is. `kafka` adds librdkafka settings to both ends, for instance
    `{"security.protocol": "SASL_SSL", ...}`. Opening raises BrokerError when no broker answers within 5 s.
    """

    def __init__(
        self,
        brokers: str,
        pipeline: str | Pipeline = "factool",
        *,
        deadline_s: float | None = None,
        margin_s: float = MARGIN_S,
        cancels: bool = False,
        kafka: Mapping[str, Any] | None = None,
    ) -> None:
        self._brokers, self._cancels = brokers, cancels
        name = pipeline if isinstance(pipeline, str) else pipeline.name
        self.types = FACTOOL if isinstance(pipeline, str) else EventTypes.of(pipeline)
        self._question = Question if isinstance(pipeline, str) else pipeline.source.type
        check_question_type(self._question, name)
        self._topic = names.questions(name)
        self._listened = (names.verified_claims(name), names.progress(name))
        self._deadline_s = settings().deadline_ms / 1000 if deadline_s is None else deadline_s
        self._margin_s = margin_s
        self._kafka = dict(kafka or {})
        self._answers: dict[bytes, _Answer] = {}
        self._tail: TopicTail | None = None

    async def __aenter__(self) -> AltoClient:
        self._loop = asyncio.get_running_loop()
        self._producer = self._made()
        tail = TopicTail(
            self._brokers,
            self._listened,
            self._answers,
            self._on_record,
            self._serve_producer,
            lambda error: self._soon(self._fail_all, error),
            kafka=self._kafka,
        )
        try:
            await asyncio.to_thread(tail.open, OPEN_TIMEOUT_S)
        except BaseException:
            # Cancelled while the thread is still opening: it must not go on to listen for nobody.
            tail.close()
            raise
        self._tail = tail
        return self

    def _made(self) -> Producer:
        self._known = KnownBrokers()
        return Producer(
            {
                "bootstrap.servers": self._brokers,
                "linger.ms": 0,
                "message.timeout.ms": int(SEND_TIMEOUT_S * 1000),
                "reconnect.backoff.max.ms": 1000,
                **self._known.settings,
                **self._kafka,
            },
            logger=_log,
        )

    def _serve_producer(self) -> None:
        self._producer.poll(0)
        if self._known.forgotten:  # what it holds has failed, or fails now
            lost, self._producer = self._producer, self._made()
            lost.purge()
            lost.poll(0)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stops listening. Questions still open end with ClientClosed at their askers; the pipeline works on."""
        tail, self._tail = self._tail, None
        if tail is not None:
            self._fail_all(ClientClosed("The client was closed while a question was open."))
            await asyncio.to_thread(tail.close)
            await asyncio.to_thread(self._producer.flush, SEND_TIMEOUT_S)

    async def ask(
        self, asked: str | Message, *, question_id: str | None = None, deadline_s: float | None = None
    ) -> AsyncGenerator[Event, None]:
        """Sends one question and yields its events; ends after the OutcomeEvent or EndEvent, which comes exactly once.

        `asked` is the question's text, or a whole message of the pipeline's source. A failed question ends with an
        outcome too: no exception. Every claim that an OutcomeEvent lists has been yielded as a VerifiedClaimEvent
        before it, none twice. Leaving early is fine: the events that still come are dropped (use
        `contextlib.aclosing` to leave at a known moment). Raises BrokerError when the question cannot be delivered or
        the broker is lost, QuestionTimeout when no outcome comes, InvalidInput when `question_id` is unusable or in
        flight on this client, or the question is larger than a Kafka record may be.
        """
        if self._tail is None:
            raise ClientClosed("The client is not open.", "ask inside `async with AltoClient(...) as client:`")
        question = self._message(asked, question_id, deadline_s)
        deadline_s = question.deadline_ms / 1000
        # What the pipeline cannot answer to, it does not answer: refused here, or the asker would wait in vain.
        question_id = question_id_of(question, None)
        key = question_id.encode()
        if key in self._answers:
            raise InvalidInput(
                "question_in_flight",
                f"A question with id '{question_id}' is in flight.",
                "wait for its outcome, or leave the id out to get a fresh one",
            )
        answer = self._answers[key] = _Answer()
        try:
            self._send(key, question)
            until = time.monotonic() + deadline_s + self._margin_s
            while True:
                event = await self._next(question_id, answer, until)
                yield event
                if isinstance(event, (OutcomeEvent, EndEvent)):
                    return
        except asyncio.CancelledError:
            if self._cancels:
                self.cancel(question_id)
            raise
        finally:
            del self._answers[key]

    def _message(self, asked: str | Message, question_id: str | None, deadline_s: float | None) -> Any:
        question = self._question()
        if isinstance(asked, str):
            question.text = asked
        elif isinstance(asked, self._question):
            question.CopyFrom(asked)
        else:
            raise InvalidInput(
                "invalid_question",
                f"The pipeline takes {self._question.__name__}, not {type(asked).__name__}.",
                f"ask a text, or a {self._question.__name__}",
            )
        question.question_id = question_id or question.question_id or uuid4().hex
        if deadline_s is not None or not question.deadline_ms:
            question.deadline_ms = int((self._deadline_s if deadline_s is None else deadline_s) * 1000)
        return question

    def cancel(self, question_id: str) -> None:
        """Ends a question: the pipeline stops its work on it. Its asker gets a failed outcome of the kind `cancelled`.

        Returns at once. One that has ended, or that nobody asked, is left alone.
        """
        if self._tail is None:
            raise ClientClosed("The client is not open.", "cancel inside `async with AltoClient(...) as client:`")
        with contextlib.suppress(KafkaException, BufferError):  # a question that is not cancelled has its deadline
            self._producer.produce(self._topic, None, question_id.encode(), headers=[("type", CANCEL)])

    async def _next(self, question_id: str, answer: _Answer, until: float) -> Event:
        events = answer.events
        try:
            # A slow reader still gets what came in time: the clock counts only where nothing waits to be read.
            left = max(0.0, until - time.monotonic())
            found = await asyncio.wait_for(events.get(), left) if events.empty() else events.get_nowait()
        except TimeoutError:
            raise QuestionTimeout(
                f"No outcome of question '{question_id}' came by its deadline.",
                "look at `alto status` and `alto topics`, or give more time with a longer deadline",
            ) from None
        if isinstance(found, AltoError):
            raise found
        return found

    def _send(self, key: bytes, question: Any) -> None:
        def delivered(error: KafkaError | None, _message: object) -> None:
            if error is not None:
                self._soon(self._receive, key, self._undelivered(error))

        try:
            self._producer.produce(
                self._topic, question.SerializeToString(), key, on_delivery=delivered, headers=_CONTENT_TYPE
            )
        except KafkaException as error:
            raise self._undelivered(error.args[0]) from None
        except BufferError:
            raise BrokerError(
                "Too many questions wait to be sent.", "ask fewer at once, or look at the broker"
            ) from None

    def _undelivered(self, error: KafkaError) -> AltoError:
        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            return InvalidInput("question_too_long", "The question is larger than a Kafka record may be.")
        return BrokerError(
            f"The broker at {self._brokers} did not take the question into {self._topic} ({error.str()}).",
            "start one with `alto up`, or correct ALTO_BROKERS",
        )

    def _on_record(self, key: bytes, headers: Headers | None, value: bytes) -> None:
        try:
            event: Event | AltoError | None = decode_event(key, headers, value, self.types)
        except InvalidInput as error:
            event = error
        if event is not None:
            self._soon(self._receive, key, event)

    def _soon(self, call: Any, *args: Any) -> None:
        # A loop that its owner has closed without closing the client has nobody left to tell.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call, *args)

    def _receive(self, key: bytes, event: Event | AltoError) -> None:
        if answer := self._answers.get(key):
            answer.receive(event)

    def _fail_all(self, error: AltoError) -> None:
        for answer in self._answers.values():
            answer.receive(error)


class _Answer:
    """The events of one question that its asker has not read yet: at least once comes in, once goes out."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Event | AltoError] = asyncio.Queue()
        self._seen: set[tuple[str, str]] = set()
        self._ended = False

    def receive(self, event: Event | AltoError) -> None:
        if self._ended:
            return
        if isinstance(event, AltoError):
            self._ended = True
            self.events.put_nowait(event)
        elif isinstance(event, (OutcomeEvent, EndEvent)):
            self._ended = True
            # The coordinator may be faster than the stage that publishes the last verdict.
            for claim in event.claims if isinstance(event, OutcomeEvent) else ():
                self._put_once(claim)
            self.events.put_nowait(event)
        else:
            self._put_once(event)

    def _put_once(self, event: SentenceEvent | ClaimEvent | VerifiedClaimEvent | ItemEvent) -> None:
        if (event.type, event.item_id) in self._seen:
            return
        if not isinstance(event, ItemEvent) or event.final:  # others may follow one that is not
            self._seen.add((event.type, event.item_id))
        self.events.put_nowait(event)
