"""The runtime on a real Kafka: every stage a process, every question one outcome, bad input answered and kept."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ops.kafka.embedded import EmbeddedKafka
from schemas.outcome_pb2 import Outcome
from schemas.question_pb2 import Question
from tests.pipelines.fleet import Fleet, fleet
from tests.pipelines.small import expected
from topics import names


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    kafka = EmbeddedKafka(folder / "kafka")
    kafka.start()
    try:
        with fleet(kafka.bootstrap, folder, {"rerank": 2, "sorted_words": 2, "appraise": 2}) as started:
            yield started
    finally:
        kafka.stop()


def outcome(running: Fleet, question_id: str) -> Outcome:
    """The one outcome of a question."""
    found = running.outcomes[question_id]
    assert len(found) == 1
    return found[0]


def ask(running: Fleet, question: Question, **headers: bytes) -> Outcome:
    running.ask(question.question_id, question.SerializeToString(), headers)
    running.collect(len(running.outcomes) + 1)
    return outcome(running, question.question_id)


def test_many_questions_at_once_end_with_all_their_claims(running: Fleet) -> None:
    before = len(running.outcomes)
    for i in range(30):
        running.ask(f"many-{i}", Question(question_id=f"many-{i}", text=f"T{i}").SerializeToString())
    running.collect(before + 30)
    for i in range(30):
        ended = outcome(running, f"many-{i}")
        assert ended.status == Outcome.COMPLETE
        assert [claim.claim for claim in ended.claims] == expected(f"T{i}")
        assert len({claim.claim_id for claim in ended.claims}) == len(ended.claims)


def test_json_is_read_when_the_header_says_so(running: Fleet) -> None:
    before = len(running.outcomes)
    running.ask("json-1", json.dumps({"text": "J"}).encode(), {"content-type": b"application/json"})
    running.collect(before + 1)
    assert [claim.claim for claim in outcome(running, "json-1").claims] == expected("J")


def test_a_question_sent_twice_ends_once(running: Fleet) -> None:
    before = len(running.outcomes)
    for _ in range(2):
        running.ask("twice", Question(text="Z").SerializeToString())
    running.collect(before + 1)
    running.collect_for(1.5)
    assert outcome(running, "twice").status == Outcome.COMPLETE


@pytest.mark.parametrize(
    ("question_id", "value", "headers", "kind"),
    [
        ("empty", Question(text="  ").SerializeToString(), {}, "invalid_question"),
        ("long", Question(text="x" * 5000).SerializeToString(), {}, "invalid_question"),
        ("garbage", b"\xff\xff\xff", {}, "invalid_question"),
        ("no-json", b"{", {"content-type": b"application/json"}, "invalid_question"),
        ("type", b"", {"content-type": b"text/plain"}, "unknown_content_type"),
        ("patient", Question(text="x", deadline_ms=4_000_000).SerializeToString(), {}, "invalid_question"),
    ],
)
def test_a_bad_question_is_answered_and_kept(
    running: Fleet, question_id: str, value: bytes, headers: dict[str, bytes], kind: str
) -> None:
    before, letters = len(running.outcomes), len(running.dead_letters())
    running.ask(question_id, value, headers)
    running.collect(before + 1)
    ended = outcome(running, question_id)
    assert ended.status == Outcome.FAILED
    assert (ended.failure.stage, ended.failure.kind) == ("coordinator", kind)
    kept = running.dead_letters()
    assert len(kept) == letters + 1
    assert kept[-1].value() == value
    assert dict(kept[-1].headers() or [])["error-kind"] == kind.encode()


def test_a_failing_stage_ends_its_question_and_no_other(running: Fleet) -> None:
    ended = ask(running, Question(question_id="failing", text="please fail"))
    assert (ended.failure.stage, ended.failure.kind) == ("answer", "stage_failed")
    assert "told to fail" in ended.failure.message
    assert ask(running, Question(question_id="after", text="A")).status == Outcome.COMPLETE


def test_a_question_past_its_deadline_ends(running: Fleet) -> None:
    ended = ask(running, Question(question_id="late", text="sleep", deadline_ms=1000))
    assert ended.failure.kind == "deadline_exceeded"
    assert "sentence" in ended.failure.message


def test_records_that_no_stage_can_read_are_kept_and_the_stage_goes_on(running: Fleet) -> None:
    letters = len(running.dead_letters())
    topic = names.stage_input(running.pipeline.name, "extract_claims")
    for header in ({"alto": b"\x63broken"}, {}):
        running.producer.produce(topic, value=b"?", partition=0, headers=header)
    assert ask(running, Question(question_id="next", text="N")).status == Outcome.COMPLETE
    running.collect_for(1)
    kinds = [dict(m.headers() or [])["error-kind"] for m in running.dead_letters()[letters:]]
    assert sorted(kinds) == [b"missing_header", b"unknown_header_version"]
