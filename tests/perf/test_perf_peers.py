"""The plain Faust pipeline on a real broker: it comes to the same verdicts as ours, or its figures mean nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
from confluent_kafka import Consumer, Producer

from alto_streams.engines.emulated import InstantEngine
from alto_streams.testing import run
from ops.kafka.embedded import EmbeddedKafka
from perf.ceiling.graph import pipeline
from perf.peers.faust_plain.crew import crew
from perf.peers.faust_plain.topics import OUTCOMES, QUESTIONS
from schemas.outcome_pb2 import Outcome
from schemas.question_pb2 import Question

ASKED = {
    f"q{number}": Question(question_id=f"q{number}", text=text)
    for number, text in enumerate(
        (
            "Which NFL team represented the AFC at Super Bowl 50?",
            "Who designed the Sydney Opera House, and when was it opened?",
            "How deep is Lake Titicaca?",
        )
    )
}
LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What must be equal of a verified claim. Of its id the place counts: runs have no numbers in plain Faust."""

    place: str
    claim: str
    verdict: int
    score: float
    title: str


def verdicts(outcome: Outcome) -> list[Verdict]:
    assert outcome.status == Outcome.COMPLETE
    return [
        Verdict(one.claim_id.partition("-")[0], one.claim, one.verdict, one.score, one.evidence[0].title)
        for one in outcome.claims
    ]


def answered(brokers: str) -> dict[str, Outcome]:
    producer = Producer({"bootstrap.servers": brokers})
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "test", "auto.offset.reset": "earliest"})
    consumer.subscribe([OUTCOMES])
    for name, question in ASKED.items():
        producer.produce(QUESTIONS, question.SerializeToString(), name)
    assert producer.flush(10) == 0
    found: dict[str, Outcome] = {}
    until = time.monotonic() + LIMIT_S
    try:
        while len(found) < len(ASKED) and time.monotonic() < until:
            record = consumer.poll(1)
            if record is not None and record.error() is None:
                outcome = Outcome.FromString(record.value() or b"")
                assert outcome.question_id not in found
                found[outcome.question_id] = outcome
    finally:
        consumer.close()
    return found


@pytest.mark.timeout(150)
def test_plain_faust_comes_to_the_same_verdicts(kafka: EmbeddedKafka) -> None:
    ours = run(pipeline, ASKED, pool=InstantEngine()).outcomes
    with crew(kafka.bootstrap, "emulated:?instant=1", {"bm25": 2, "generate_queries": 2}):
        theirs = answered(kafka.bootstrap)
    assert theirs.keys() == ours.keys()
    for name in ASKED:
        assert verdicts(theirs[name]) == verdicts(Outcome.FromString(ours[name].SerializeToString()))
    assert sum(len(outcome.claims) for outcome in theirs.values()) > len(ASKED)
