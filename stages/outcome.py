"""The last word on a question: which claims count, or why it failed."""

from __future__ import annotations

from collections.abc import Sequence

from alto_streams.failure import Failure
from schemas.outcome_pb2 import Failure as FailureMessage
from schemas.outcome_pb2 import Outcome
from schemas.verified_claim_pb2 import VerifiedClaim


def conclude(question_id: str, verdicts: Sequence[VerifiedClaim], failure: Failure | None) -> Outcome:
    """Keeps the order of the verdicts, which is that of the answer. A failed question keeps those it had."""
    status = Outcome.COMPLETE if failure is None else Outcome.FAILED
    why = None if failure is None else FailureMessage(**failure._asdict())
    return Outcome(question_id=question_id, status=status, claims=verdicts, failure=why)
