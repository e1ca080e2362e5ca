"""Events read off records, and their JSON as docs/contract.md shows it."""

from __future__ import annotations

import json

import pytest

from alto_streams.admission import check_question_type
from alto_streams.client import AltoClient, _Answer
from alto_streams.errors import InvalidInput, PipelineError
from alto_streams.event_types import EventTypes
from alto_streams.events import (
    EndEvent,
    Event,
    ItemEvent,
    OutcomeEvent,
    VerifiedClaimEvent,
    decode_event,
    place,
)
from alto_streams.failure import Failure as FailureTuple
from alto_streams.pipeline import Pipeline
from examples.pipelines.messages_pb2 import Citation, Told
from examples.pipelines.rag import pipeline as rag
from schemas.claim_pb2 import Claim
from schemas.outcome_pb2 import Failure, Outcome
from schemas.question_pb2 import Question
from schemas.sentence_pb2 import Sentence
from schemas.verified_claim_pb2 import Evidence, Verdict, VerifiedClaim
from stages.graph import pipeline as factool
from tests.pipelines import small as small_stages
from tests.pipelines.small import pipeline as small


def decoded(type: str, value: bytes, item: str = "0.2-ab") -> dict[str, object]:
    event = decode_event(b"q", [("type", type.encode()), ("id", item.encode())], value)
    assert event is not None
    return json.loads(json.dumps(event.to_json()))


VERIFIED = VerifiedClaim(
    question_id="q",
    claim_id="0.2-ab",
    claim="Water is wet.",
    verdict=Verdict.NOT_ENOUGH_EVIDENCE,
    score=0.5,
    evidence=[Evidence(title="Water", text="Water is a liquid.", score=0.25)],
)
BODY = {
    "claim_id": "0.2-ab",
    "claim": "Water is wet.",
    "verdict": "not_enough_evidence",
    "score": 0.5,
    "evidence": [{"title": "Water", "text": "Water is a liquid.", "score": 0.25}],
}


def test_a_sentence():
    value = Sentence(text="It is.", question="Is it?", context=["Hm."]).SerializeToString()
    expected = {"type": "sentence", "question_id": "q", "sentence_id": "0-ab", "sentence": "It is."}
    assert decoded("sentence", value, "0-ab") == expected


def test_a_claim():
    expected = {"type": "claim", "question_id": "q", "claim_id": "0.2-ab", "claim": "It is."}
    assert decoded("claim", Claim(text="It is.").SerializeToString()) == expected


def test_a_verified_claim():
    expected = {"type": "verified_claim", "question_id": "q", **BODY}
    assert decoded("verified_claim", VERIFIED.SerializeToString()) == expected


def test_the_header_names_a_claim_whose_value_does_not():
    anonymous = VerifiedClaim(claim="x", verdict=Verdict.SUPPORTED).SerializeToString()
    assert decoded("verified_claim", anonymous, "1.0-cd")["claim_id"] == "1.0-cd"


def test_a_complete_outcome():
    value = Outcome(question_id="q", status=Outcome.COMPLETE, claims=[VERIFIED]).SerializeToString()
    expected = {"type": "outcome", "question_id": "q", "status": "complete", "claims": [BODY], "failure": None}
    assert decoded("outcome", value, "") == expected


def test_a_failed_outcome():
    failure = Failure(stage="answer", kind="engine_failed", message="No engine.")
    value = Outcome(status=Outcome.FAILED, failure=failure).SerializeToString()
    assert decoded("outcome", value, "") == {
        "type": "outcome",
        "question_id": "q",
        "status": "failed",
        "claims": [],
        "failure": {"stage": "answer", "kind": "engine_failed", "message": "No engine."},
    }


def test_an_outcome_lists_the_events_that_were_published():
    value = Outcome(status=Outcome.COMPLETE, claims=[VERIFIED]).SerializeToString()
    published = decode_event(b"q", [("type", b"verified_claim")], VERIFIED.SerializeToString())
    outcome = decode_event(b"q", [("type", b"outcome")], value)
    assert isinstance(published, VerifiedClaimEvent)
    assert isinstance(outcome, OutcomeEvent)
    assert outcome.claims == (published,)


@pytest.mark.parametrize("headers", [None, [], [("type", b"heartbeat")], [("type", None)]])
def test_a_type_that_is_not_known_is_no_event(headers: list[tuple[str, bytes | None]] | None):
    assert decode_event(b"q", headers, b"\xff") is None


@pytest.mark.parametrize("type", ["sentence", "claim", "verified_claim", "outcome"])
def test_a_value_that_does_not_parse_is_refused(type: str):
    with pytest.raises(InvalidInput, match=f"not a valid {type}"):
        decode_event(b"q", [("type", type.encode())], b"\xff")


@pytest.mark.parametrize(
    ("type", "value"),
    [("verified_claim", VerifiedClaim(claim="x")), ("outcome", Outcome(question_id="q"))],
)
def test_a_value_without_verdict_or_status_is_refused(type: str, value: VerifiedClaim | Outcome):
    with pytest.raises(InvalidInput):
        decode_event(b"q", [("type", type.encode())], value.SerializeToString())


def test_places_sort_as_the_answer_reads():
    ids = ["10-a", "2.10-b", "2.9-c", "2-d"]
    assert sorted(ids, key=place) == ["2-d", "2.9-c", "2.10-b", "10-a"]
    assert place("") == ()


RAG = EventTypes.of(rag)


def of_rag(type: str, value: bytes, item: str = "0-a", **headers: bytes) -> Event | None:
    return decode_event(b"q", [("type", type), ("id", item), *headers.items()], value, RAG)


def test_items_of_any_pipeline_are_its_messages():
    event = of_rag("citation", Citation(text="Ulm is old.", titles=["Ulm"]).SerializeToString())
    assert event == ItemEvent("citation", "q", "0-a", Citation(text="Ulm is old.", titles=["Ulm"]))
    assert event.to_json() == {
        "type": "citation",
        "question_id": "q",
        "id": "0-a",
        "value": {"text": "Ulm is old.", "titles": ["Ulm"]},
    }
    assert isinstance(of_rag("sentence", b""), ItemEvent)  # its own, though FacTool has a type of this name
    assert of_rag("claim", b"") is None


def test_an_early_result_says_so_and_is_followed_by_the_final_one():
    early, final = (of_rag("citation", Citation(text=text).SerializeToString(), **more)
                    for text, more in (("so far", {"final": b"false"}), ("whole", {})))  # fmt: skip
    assert isinstance(early, ItemEvent)
    assert (early.final, early.to_json()["final"]) == (False, False)
    answer = _Answer()
    for event in (early, early, final, early, final):  # each may come again, and late
        answer.receive(event)
    read = [answer.events.get_nowait() for _ in range(answer.events.qsize())]
    assert read == [early, early, final]


def test_the_outcome_of_any_pipeline_says_whether_it_failed():
    told = Told(question_id="q", lines=["a"])
    assert of_rag("outcome", told.SerializeToString(), "") == EndEvent("q", "complete", told)
    why = FailureTuple("write", "engine_failed", "It broke.")
    ended = of_rag("outcome", b"", "", failure=why.encode())
    assert ended == EndEvent("q", "failed", Told(), why)
    assert ended.to_json()["failure"] == {"stage": "write", "kind": "engine_failed", "message": "It broke."}


def test_a_value_that_is_not_what_its_type_says():
    for kind, headers in (("citation", {}), ("outcome", {"failure": b"{"})):
        with pytest.raises(InvalidInput, match="one pipeline, at both ends"):
            of_rag(kind, b"\xff" if not headers else b"", **headers)


def test_factool_and_pipelines_of_its_types_keep_their_events():
    assert EventTypes.of(factool).factool
    assert EventTypes.of(small).factool
    assert not RAG.factool


def test_one_type_for_two_messages_is_refused():
    pipeline = Pipeline("p", source=Question)
    sentences = pipeline.source.expand(small_stages.answer, "sentence")
    claims = sentences.expand(small_stages.extract_claims, "claim")
    pipeline.publish(sentences, "piece")
    pipeline.publish(claims, "piece")
    with pytest.raises(PipelineError, match="shows 'extract_claims' under type 'piece', which is Sentence too"):
        EventTypes.of(pipeline)
    other = Pipeline("p", source=Question)
    other.publish(other.source.expand(small_stages.answer, "sentence"), "outcome")
    with pytest.raises(PipelineError, match="which is the outcome too"):
        EventTypes.of(other)


def test_a_pipeline_whose_questions_nobody_can_ask_is_refused():
    check_question_type(Question, "p")
    with pytest.raises(PipelineError, match="type Claim, which has no question_id and no deadline_ms") as raised:
        check_question_type(Claim, "p")
    assert "question.proto" in raised.value.mend
    with pytest.raises(PipelineError, match="type None, which has no question_id and no text"):
        AltoClient("nowhere:1", Pipeline("p", source=None))
