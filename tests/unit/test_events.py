"""Events read off records, and their JSON as docs/contract.md shows it."""

from __future__ import annotations

import json

import pytest

from alto_streams.errors import InvalidInput
from alto_streams.events import OutcomeEvent, VerifiedClaimEvent, decode_event, place
from schemas.claim_pb2 import Claim
from schemas.outcome_pb2 import Failure, Outcome
from schemas.sentence_pb2 import Sentence
from schemas.verified_claim_pb2 import Evidence, Verdict, VerifiedClaim


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
