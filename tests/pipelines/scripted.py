"""A pipeline's outside without its inside: takes questions from Kafka and answers them by a script."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import NamedTuple
from uuid import uuid4

from confluent_kafka import Consumer, Producer, TopicPartition
from google.protobuf.json_format import Parse
from google.protobuf.message import Message

from alto_streams import failure
from alto_streams.admission import CANCEL
from alto_streams.pipeline import Pipeline
from schemas.claim_pb2 import Claim
from schemas.outcome_pb2 import Failure, Outcome
from schemas.question_pb2 import Question
from schemas.sentence_pb2 import Sentence
from schemas.verified_claim_pb2 import Evidence, Verdict, VerifiedClaim
from tests.pipelines import small
from topics import names
from topics.definitions import definitions
from topics.provision import provision

# What the `alto` command of the tests is pointed at. A fresh name, since a broker may keep the topics of earlier runs.
pipeline = Pipeline(os.environ.get("SCRIPTED_PIPELINE", f"scripted-{uuid4().hex[:8]}"), source=Question)
sentences = pipeline.source.expand(small.answer, "sentence")
claims = sentences.expand(small.extract_claims, "claim")
pipeline.publish(sentences, "sentence")
pipeline.publish(claims, "claim")
pipeline.output(claims.map(small.state), "verified_claim", conclude=small.conclude)


class Say(NamedTuple):
    """One record that the script publishes."""

    channel: Callable[[str], str]
    type: str
    item: str
    value: Message | bytes
    partition: int | None = None


Script = Callable[[Question], Iterable[Say]]


def sentence(item: str, text: str) -> Say:
    return Say(names.progress, "sentence", item, Sentence(text=text))


def claim(item: str, text: str) -> Say:
    return Say(names.progress, "claim", item, Claim(text=text))


def message(item: str, text: str, verdict: Verdict = Verdict.SUPPORTED, score: float = 0.75) -> VerifiedClaim:
    evidence = [Evidence(title=f"About {text}", text=f"{text}, it says.", score=0.5)]
    return VerifiedClaim(claim_id=item, claim=text, verdict=verdict, score=score, evidence=evidence)


def verified(item: str, text: str, verdict: Verdict = Verdict.SUPPORTED, score: float = 0.75) -> Say:
    return Say(names.verified_claims, "verified_claim", item, message(item, text, verdict, score))


def complete(*claims: VerifiedClaim) -> Say:
    return Say(names.verified_claims, "outcome", "", Outcome(status=Outcome.COMPLETE, claims=claims))


def failed(stage: str, kind: str, why: str, *claims: VerifiedClaim) -> Say:
    failure = Failure(stage=stage, kind=kind, message=why)
    return Say(names.verified_claims, "outcome", "", Outcome(status=Outcome.FAILED, claims=claims, failure=failure))


def watched(question: Question) -> list[Say]:
    """What the progress topic tells of `ordinary`."""
    return [
        sentence("0-a", f"{question.text} answered."),
        claim("0.0-b", f"{question.text} first"),
        claim("0.1-b", f"{question.text} second"),
    ]


def ordinary(question: Question) -> list[Say]:
    """Two claims that quote the question. Only the output topic, since that is ordered within itself."""
    first, second = f"{question.text} first", f"{question.text} second"
    return [
        verified("0.1-b", second, Verdict.REFUTED, 0.25),
        verified("0.0-b", first),
        complete(message("0.0-b", first), message("0.1-b", second, Verdict.REFUTED, 0.25)),
    ]


class ScriptedPipeline:
    """Answers every question of `name` by `script`, in a thread, until the `with` block is left."""

    def __init__(self, brokers: str, name: str, script: Script = ordinary) -> None:
        self.name, self.script, self.asked, self.cancelled = name, script, list[Question](), list[str]()
        provision(brokers, definitions(name, {}))
        self._producer = Producer({"bootstrap.servers": brokers, "linger.ms": 0})
        self._consumer = Consumer({"bootstrap.servers": brokers, "group.id": name, "enable.auto.commit": False})
        topic = names.questions(name)
        count = len(self._consumer.list_topics(topic, 10).topics[topic].partitions)
        self._consumer.assign([TopicPartition(topic, index, 0) for index in range(count)])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._answer, daemon=True)

    def __enter__(self) -> ScriptedPipeline:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def publish(self, question_id: str, says: Iterable[Say]) -> None:
        for say in says:
            value = say.value if isinstance(say.value, bytes) else say.value.SerializeToString()
            headers = [("type", say.type), ("id", say.item), ("content-type", "application/x-protobuf")]
            if isinstance(say.value, Outcome) and say.value.HasField("failure"):
                why = say.value.failure
                headers.append(("failure", failure.Failure(why.stage, why.kind, why.message).encode().decode()))
            where = {} if say.partition is None else {"partition": say.partition}
            self._producer.produce(say.channel(self.name), value, question_id, headers=headers, **where)
        self._producer.flush()

    def refresh(self, topic: str) -> None:
        """Lets the producer know of partitions that were added to `topic`."""
        self._producer.list_topics(topic, 10)

    def _answer(self) -> None:
        while not self._stop.is_set():
            record = self._consumer.poll(0.05)
            if record is None or record.error():
                continue
            if dict(record.headers() or ()).get("type") == CANCEL:
                self.cancelled.append((record.key() or b"").decode())
                continue
            if dict(record.headers() or ()).get("content-type") == b"application/json":
                question = Parse(record.value(), Question())
            else:
                question = Question.FromString(record.value())
            question.question_id = question.question_id or record.key().decode()
            self.asked.append(question)
            self.publish(question.question_id, self.script(question))
