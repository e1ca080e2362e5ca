"""Stage 7, claim appraisal: a claim and its evidence to a verdict with a calibrated probability."""

from __future__ import annotations

from alto_streams.context import Context
from alto_streams.settings import settings
from schemas.claim_pb2 import Claim
from schemas.ranked_passages_pb2 import RankedPassage, RankedPassages
from schemas.verified_claim_pb2 import Evidence, VerifiedClaim
from stages.calibration.features import Passage, best_first, features
from stages.calibration.model import calibration, engine_name, verdict
from stages.opinion import Opinion, opinion

SHOWN = 3  # passages of evidence with a verdict
UNKNOWN = 0.5


async def appraise(claim: Claim, evidence: RankedPassages, ctx: Context) -> VerifiedClaim:
    """The engine is not asked about a claim for which there is no passage."""
    verified = VerifiedClaim(question_id=ctx.question_id, claim_id=ctx.item_id, claim=claim.text)
    passages = best_first(claim.text, [_passage(found) for found in evidence.passages])
    if not passages:
        verified.verdict, verified.score = verdict(UNKNOWN), UNKNOWN
        return verified
    fitted = calibration(engine_name(settings()))
    held = Opinion()
    if fitted.asks_engine:
        best = passages[0]
        held = await opinion(ctx.engine, claim.text, best.title, best.text)
    verified.score = fitted.probability(features(claim.text, passages, held))
    verified.verdict = verdict(verified.score)
    verified.evidence.extend(
        Evidence(title=one.title, text=one.text, score=one.late_interaction) for one in passages[:SHOWN]
    )
    return verified


def _passage(found: RankedPassage) -> Passage:
    return Passage(found.title, found.text, found.bm25, found.late_interaction, found.weakest)
