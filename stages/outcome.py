"""The last word on a question: which claims count, or why it failed."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.outcome_pb2 import Failure, Outcome
from schemas.verified_claim_pb2 import VerifiedClaim


def conclude(question_id: str, verdicts: Sequence[VerifiedClaim], failure: Failure | None) -> Outcome:
    """Keeps the order of the verdicts, which is that of the answer. A failed question keeps those it had."""
    status = Outcome.COMPLETE if failure is None else Outcome.FAILED
    return Outcome(question_id=question_id, status=status, claims=verdicts, failure=failure)
