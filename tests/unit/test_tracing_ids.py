"""Who a run is in a trace, from ancestry and the graph alone."""

from __future__ import annotations

import pytest

from alto_streams.ancestry import Ancestry, Attempt
from alto_streams.record import Kind, Record
from alto_streams.runtime.tracing.ids import part_id, sampled, span_id, trace_id
from alto_streams.runtime.tracing.producers import Made, Producers
from tests.pipelines.small import pipeline as small

A, B, C = Attempt(1, 0), Attempt(1, 4), Attempt(2, 0)
QUESTION = Ancestry("q")
SENTENCE, CLAIM = QUESTION.child(0, A), QUESTION.child(0, A).child(2, B)
QUERY, TOKEN = CLAIM.child(1, C), CLAIM.child(1, C).child(3, C)


def test_ids_depend_on_question_stage_item_and_attempt_alone() -> None:
    sentence = Ancestry("q").child(0, A)
    ids = [
        span_id("answer", sentence),
        span_id("claims", sentence),
        span_id("answer", Ancestry("q").child(1, A)),
        span_id("answer", Ancestry("q").child(0, B)),
        span_id("answer", sentence, A),
        span_id("answer", sentence, part="1"),
        part_id(span_id("answer", sentence), 0),
        part_id(span_id("answer", sentence), 1),
        span_id("answer", Ancestry("r").child(0, A)),
    ]
    assert len(set(ids)) == len(ids)
    assert span_id("answer", Ancestry.at("q", sentence.path)) == ids[0]
    assert trace_id("a question") == trace_id("a question") != trace_id("another")
    assert len(trace_id("a question")) == 32
    assert trace_id("0" * 32) != "0" * 32  # which is no valid trace


def test_a_share_of_the_questions_is_sampled() -> None:
    questions = [f"question {number}" for number in range(4000)]
    assert sum(sampled(question, 0.1) for question in questions) == pytest.approx(400, abs=80)
    assert not any(sampled(question, 0.0) for question in questions)
    assert all(sampled(question, 0.5) for question in questions if sampled(question, 0.1))


@pytest.mark.parametrize(
    ("reader", "port", "kind", "ancestry", "attempt", "made"),
    [
        ("answer", 0, Kind.ITEM, QUESTION, A, Made("coordinator", QUESTION, None)),
        ("extract_claims", 0, Kind.ITEM, SENTENCE, A, Made("answer", QUESTION, A)),
        ("generate_queries", 0, Kind.ITEM, CLAIM, A, Made("extract_claims", SENTENCE, B)),
        ("encode_query", 0, Kind.ITEM, QUERY, A, Made("generate_queries", CLAIM, C)),
        ("sorted_words", 0, Kind.ITEM, TOKEN, A, Made("generate_queries", CLAIM, C)),
        ("sorted_words", 0, Kind.COUNT, QUERY, C, Made("generate_queries", CLAIM, C)),
        ("rerank", 0, Kind.ITEM, QUERY, A, Made("sorted_words", QUERY, None)),
        ("rerank", 1, Kind.EMPTY, QUERY, A, Made("encode_query", QUERY, None)),
        ("appraise", 0, Kind.ITEM, CLAIM, A, Made("extract_claims", SENTENCE, B)),
        ("appraise", 1, Kind.ITEM, QUERY, A, Made("rerank", QUERY, None)),
        ("appraise", 1, Kind.COUNT, CLAIM, C, Made("generate_queries", CLAIM, C)),
        ("coordinator", 1, Kind.ITEM, CLAIM, A, Made("appraise", CLAIM, None)),
        ("coordinator", 1, Kind.COUNT, SENTENCE, B, Made("extract_claims", SENTENCE, B)),
        ("coordinator", 1, Kind.COUNT, QUESTION, A, Made("answer", QUESTION, A)),
    ],
)
def test_who_made_a_record(
    reader: str, port: int, kind: Kind, ancestry: Ancestry, attempt: Attempt, made: Made
) -> None:
    record = Record(kind, port, ancestry, 1, 1, b"", 1, attempt)
    assert Producers(small.plan, small.plan.stage(reader)).of(record) == made
