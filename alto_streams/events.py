"""What a question's asker sees: typed events, their JSON, and how they are read off Kafka records.

FacTool has events of its own; the items of any other pipeline are ItemEvents, and its outcome is an EndEvent.

Events of one question come in the order of their records. A verified claim may be seen before its claim, since the two
travel on different topics; the outcome is always the last.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message

from alto_streams.errors import InvalidInput
from alto_streams.event_types import FACTOOL, OUTCOME, EventTypes
from alto_streams.failure import Failure
from schemas.claim_pb2 import Claim
from schemas.outcome_pb2 import Outcome
from schemas.sentence_pb2 import Sentence
from schemas.verified_claim_pb2 import Verdict as VerdictValue
from schemas.verified_claim_pb2 import VerifiedClaim

Verdict = Literal["supported", "refuted", "not_enough_evidence"]
Status = Literal["complete", "failed"]
Headers = Sequence[tuple[str, str | bytes | None]]

_VERDICTS: dict[int, Verdict] = {
    VerdictValue.SUPPORTED: "supported",
    VerdictValue.REFUTED: "refuted",
    VerdictValue.NOT_ENOUGH_EVIDENCE: "not_enough_evidence",
}


def place(item_id: str) -> tuple[int, ...]:
    """Where an item stands in the answer: sentence, claim. What follows the dash tells re-runs of a stage apart.

    >>> place("0.2-1f09ac")
    (0, 2)
    """
    indices = item_id.partition("-")[0]
    return tuple(int(index) for index in indices.split(".")) if indices else ()


@dataclass(frozen=True, slots=True)
class SentenceEvent:
    """One sentence of the answer, as soon as it is whole."""

    type: ClassVar = "sentence"
    question_id: str
    sentence_id: str
    sentence: str

    @property
    def item_id(self) -> str:
        return self.sentence_id

    def to_json(self) -> dict[str, Any]:
        return {"type": self.type, **asdict(self)}


@dataclass(frozen=True, slots=True)
class ClaimEvent:
    """One claim of the answer, about to be checked."""

    type: ClassVar = "claim"
    question_id: str
    claim_id: str
    claim: str

    @property
    def item_id(self) -> str:
        return self.claim_id

    def to_json(self) -> dict[str, Any]:
        return {"type": self.type, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage that a verdict rests on."""

    title: str
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class VerifiedClaimEvent:
    """One claim with its verdict. `score` is the calibrated probability, in [0, 1], that the claim is supported."""

    type: ClassVar = "verified_claim"
    question_id: str
    claim_id: str
    claim: str
    verdict: Verdict
    score: float
    evidence: tuple[Evidence, ...]

    @property
    def item_id(self) -> str:
        return self.claim_id

    def to_json(self) -> dict[str, Any]:
        return {"type": self.type, "question_id": self.question_id, **self.body()}

    def body(self) -> dict[str, Any]:
        """The claim without its envelope, as an outcome lists it."""
        return {
            "claim_id": self.claim_id,
            "claim": self.claim,
            "verdict": self.verdict,
            "score": round(self.score, 4),
            "evidence": [{"title": e.title, "text": e.text, "score": round(e.score, 4)} for e in self.evidence],
        }


@dataclass(frozen=True, slots=True)
class OutcomeEvent:
    """The end of a question: the claims that count, in the answer's order, and why it failed if it did."""

    type: ClassVar = "outcome"
    question_id: str
    status: Status
    claims: tuple[VerifiedClaimEvent, ...]
    failure: Failure | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "question_id": self.question_id,
            "status": self.status,
            "claims": [claim.body() for claim in self.claims],
            "failure": self.failure._asdict() if self.failure else None,
        }


@dataclass(frozen=True, slots=True)
class ItemEvent:
    """One item that a pipeline publishes or puts out, under its type; `value` is its message.

    One that is not final is what an aggregate comes to so far; the next of its type and id replaces it.
    """

    type: str
    question_id: str
    item_id: str
    value: Any
    final: bool = True

    def to_json(self) -> dict[str, Any]:
        told = {"type": self.type, "question_id": self.question_id, "id": self.item_id, "value": plain(self.value)}
        return told if self.final else {**told, "final": False}


@dataclass(frozen=True, slots=True)
class EndEvent:
    """The end of a question: the message that the pipeline concludes with, and why the question failed if it did.

    `value` is None where no outcome came from the pipeline, or an empty one.
    """

    type: ClassVar = OUTCOME
    question_id: str
    status: Status
    value: Any
    failure: Failure | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "question_id": self.question_id,
            "status": self.status,
            "value": plain(self.value),
            "failure": self.failure._asdict() if self.failure else None,
        }


Event = SentenceEvent | ClaimEvent | VerifiedClaimEvent | OutcomeEvent | ItemEvent | EndEvent


def plain(value: Any) -> Any:
    """A message as JSON has it, under the names of its fields; bytes as text, or as base64 where they are none.

    >>> plain(Claim(text="Water is wet."))
    {'text': 'Water is wet.'}
    """
    if isinstance(value, Message):
        return MessageToDict(value, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return b64encode(value).decode()
    return value


def decode_event(key: bytes, headers: Headers | None, value: bytes, types: EventTypes = FACTOOL) -> Event | None:
    """The event of one record of the output or the progress topic; None for a type that is none of `types`.

    Raises InvalidInput on a value that is not what its type says.
    """
    named = {name: _text(content) for name, content in headers or ()}
    kind, question, item = named.get("type", ""), key.decode(errors="replace"), named.get("id", "")
    try:
        if not types.factool:
            return _of_any(kind, question, item, value, named, types)
        match kind:
            case "sentence":
                return SentenceEvent(question, item, Sentence.FromString(value).text)
            case "claim":
                return ClaimEvent(question, item, Claim.FromString(value).text)
            case "verified_claim":
                return _verified_claim(question, item, VerifiedClaim.FromString(value))
            case "outcome":
                return _outcome(question, Outcome.FromString(value))
            case _:
                return None
    except (DecodeError, KeyError, ValueError) as error:
        raise InvalidInput(
            "invalid_event",
            f"A record of type '{kind}' for question '{question}' is not a valid {kind} ({error}).",
            "run one release of alto-streams, and one pipeline, at both ends",
        ) from None


def _of_any(
    kind: str, question: str, item: str, value: bytes, headers: Mapping[str, str], types: EventTypes
) -> Event | None:
    if kind == OUTCOME:
        why = Failure.decode(headers["failure"].encode()) if headers.get("failure") else None
        return EndEvent(question, "failed" if why else "complete", _message(types.outcome, value), why)
    if kind not in types.items:
        return None
    return ItemEvent(kind, question, item, _message(types.items[kind], value), headers.get("final") != "false")


def _message(type: Any, value: bytes) -> Any:
    return value if type in (None, bytes) else type.FromString(value)


def _verified_claim(question: str, item: str, claim: VerifiedClaim) -> VerifiedClaimEvent:
    evidence = tuple(Evidence(e.title, e.text, e.score) for e in claim.evidence)
    return VerifiedClaimEvent(
        question, claim.claim_id or item, claim.claim, _VERDICTS[claim.verdict], claim.score, evidence
    )


def _outcome(question: str, outcome: Outcome) -> OutcomeEvent:
    claims = tuple(_verified_claim(question, "", claim) for claim in outcome.claims)
    if outcome.status == Outcome.COMPLETE:
        return OutcomeEvent(question, "complete", claims)
    if outcome.status != Outcome.FAILED:
        raise KeyError(f"status {outcome.status}")
    failure = outcome.failure
    return OutcomeEvent(question, "failed", claims, Failure(failure.stage, failure.kind, failure.message))


def _text(content: str | bytes | None) -> str:
    return content.decode(errors="replace") if isinstance(content, bytes) else content or ""
