"""Which questions a coordinator that takes over finds ended: those whose outcome counts, whatever lies between."""

from __future__ import annotations

import threading
import time
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from alto_streams.errors import BrokerError
from alto_streams.runtime.ended import ended_questions
from ops.kafka.embedded import EmbeddedKafka
from tests.transport.load import create

LIMIT_S = 30.0


class Output:
    """An output topic of one partition, so that what one writes stands in the way of the others."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap, self.topic = bootstrap, f"ended-{uuid4().hex[:8]}"
        self.settings = {"bootstrap.servers": bootstrap, "log_level": 0}
        create(bootstrap, self.topic, 1)

    def begin(self, question: str) -> Producer:
        """A transaction with the outcome of a question, which is in the topic and not committed."""
        producer = Producer({**self.settings, "transactional.id": f"{self.topic}.{question}"})
        producer.init_transactions(LIMIT_S)
        producer.begin_transaction()
        producer.produce(self.topic, b"o", question, headers=[("type", b"outcome")])
        assert producer.flush(LIMIT_S) == 0
        return producer

    def claim(self, question: str) -> None:
        producer = Producer(self.settings)
        producer.produce(self.topic, b"c", question, headers=[("type", b"verified_claim")])
        assert producer.flush(LIMIT_S) == 0

    def ended(self, since_ms: int = 0, timeout: float = LIMIT_S) -> list[str]:
        return ended_questions(self.bootstrap, self.topic, since_ms, timeout)


@pytest.fixture
def output(kafka: EmbeddedKafka) -> Output:
    return Output(kafka.bootstrap)


def test_nothing_has_ended_in_an_empty_topic(output: Output) -> None:
    assert output.ended() == []


def test_a_topic_that_ends_with_the_mark_of_a_transaction_is_read_to_its_end(output: Output) -> None:
    output.claim("a")
    output.begin("a").commit_transaction(LIMIT_S)
    assert output.ended() == ["a"]
    output.claim("b")
    assert output.ended() == ["a"]


def test_an_outcome_that_was_taken_back_has_ended_nothing(output: Output) -> None:
    output.begin("a").abort_transaction(LIMIT_S)
    assert output.ended() == []
    output.begin("b").commit_transaction(LIMIT_S)
    assert output.ended() == ["b"]


def test_outcomes_behind_another_s_open_transaction_are_waited_for(output: Output) -> None:
    slow = output.begin("slow")
    output.begin("done").commit_transaction(LIMIT_S)
    found: list[str] = []
    reading = threading.Thread(target=lambda: found.extend(output.ended()))
    reading.start()
    time.sleep(1)
    assert reading.is_alive()
    slow.commit_transaction(LIMIT_S)
    reading.join(LIMIT_S)
    assert found == ["slow", "done"]


def test_one_that_stays_open_is_said(output: Output) -> None:
    left = output.begin("left")
    with pytest.raises(BrokerError, match=f"'{output.topic}' could not be read to its end"):
        output.ended(timeout=1)
    left.abort_transaction(LIMIT_S)


def test_what_ended_long_ago_is_not_looked_for(output: Output) -> None:
    output.begin("old").commit_transaction(LIMIT_S)
    time.sleep(0.05)
    since = time.time_ns() // 1_000_000
    time.sleep(0.05)
    assert output.ended(since) == []
    output.begin("new").commit_transaction(LIMIT_S)
    assert output.ended(since) == ["new"]


def test_a_topic_that_is_not_there_is_said(kafka: EmbeddedKafka) -> None:
    with pytest.raises(BrokerError, match=r"'nowhere' cannot be read"):
        ended_questions(kafka.bootstrap, "nowhere", 0)
