"""Retrieval and appraisal that cost next to nothing, so that what is left is the cost of carrying records about.

They read and write the messages of the real ones, small ones. What they find means nothing.
"""

from __future__ import annotations

from zlib import crc32

from alto_streams.context import Context
from schemas.claim_pb2 import Claim
from schemas.hits_pb2 import Hit, Hits
from schemas.query_pb2 import Query
from schemas.query_token_pb2 import QueryToken
from schemas.query_vectors_pb2 import QueryVectors
from schemas.ranked_passages_pb2 import RankedPassage, RankedPassages
from schemas.verified_claim_pb2 import Evidence, Verdict, VerifiedClaim
from stages.opinion import opinion

PASSAGES = 10_000
KEEP = 2


class Bm25:
    """Every word hits one passage, whatever the order in which the words come."""

    def open(self) -> None:
        """A stage of its own, as the real one is."""

    def initial(self) -> list[int]:
        return []

    def add(self, state: list[int], item: QueryToken) -> list[int]:
        state.append(crc32(item.text.encode()) % PASSAGES)
        return state

    def result(self, state: list[int]) -> Hits:
        return Hits(hits=[Hit(passage=passage, score=1.0) for passage in sorted(state)[:KEEP]])


async def encode_query(query: Query, _ctx: Context) -> QueryVectors:
    """Four bytes for a query."""
    return QueryVectors(tokens=1, dimensions=1, values=crc32(query.text.encode()).to_bytes(4, "little"))


async def rerank(hits: Hits, vectors: QueryVectors, _ctx: Context) -> RankedPassages:
    """In the order of the hits; the query's vector decides how high they stand."""
    height = int.from_bytes(vectors.values, "little") / 2**32
    return RankedPassages(
        passages=[
            RankedPassage(passage=hit.passage, title=f"Passage {hit.passage}", late_interaction=height)
            for hit in hits.hits
        ]
    )


class BestEvidence:
    """The passage that stands highest over all queries of a claim."""

    def initial(self) -> RankedPassages:
        return RankedPassages()

    def add(self, state: RankedPassages, item: RankedPassages) -> RankedPassages:
        return max(state, item, key=_height)

    def result(self, state: RankedPassages) -> RankedPassages:
        return state


def _height(ranked: RankedPassages) -> tuple[float, int]:
    return max(((one.late_interaction, one.passage) for one in ranked.passages), default=(-1.0, 0))


async def appraise(claim: Claim, evidence: RankedPassages, ctx: Context) -> VerifiedClaim:
    """The engine's odds, uncalibrated."""
    best = evidence.passages[0]
    held = await opinion(ctx.engine, claim.text, best.title, best.text)
    return VerifiedClaim(
        question_id=ctx.question_id,
        claim_id=ctx.item_id,
        claim=claim.text,
        verdict=Verdict.SUPPORTED if held.margin > 0 else Verdict.REFUTED,
        score=held.margin,
        evidence=[Evidence(title=best.title, score=best.late_interaction)],
    )
