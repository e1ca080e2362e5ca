"""A pipeline of FacTool's shape without models: what it says of a question is known, so a test can check every word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from alto_streams.context import Context
from alto_streams.failure import Failure
from alto_streams.pipeline import Pipeline, join
from schemas.claim_pb2 import Claim
from schemas.hits_pb2 import Hits
from schemas.outcome_pb2 import Failure as FailureMessage
from schemas.outcome_pb2 import Outcome
from schemas.query_pb2 import Query
from schemas.query_token_pb2 import QueryToken
from schemas.query_vectors_pb2 import QueryVectors
from schemas.question_pb2 import Question
from schemas.ranked_passages_pb2 import RankedPassages
from schemas.sentence_pb2 import Sentence
from schemas.verified_claim_pb2 import VerifiedClaim

SENTENCES, CLAIMS = 3, 2


async def answer(question: Question, ctx: Context) -> AsyncIterator[Sentence]:
    if "fail" in question.text:
        raise ValueError("told to fail")
    if "sleep" in question.text:
        await asyncio.sleep(60)
    if "pause" in question.text:
        await asyncio.sleep(12)
    for i in range(SENTENCES):
        await asyncio.sleep(0.01)
        yield Sentence(text=f"{question.text}.{i}")


async def extract_claims(sentence: Sentence, ctx: Context) -> AsyncIterator[Claim]:
    for i in range(CLAIMS):
        await asyncio.sleep(0.01)
        yield Claim(text=f"{sentence.text}.{i}")


async def generate_queries(claim: Claim, ctx: Context) -> AsyncIterator[str]:
    for piece in (f"{claim.text} al", "pha\n", f"{claim.text} beta"):
        await asyncio.sleep(0.005)
        yield piece


class SortedWords:
    """Stands for BM25: needs every word of its query, once, in any order."""

    def open(self) -> None:
        """Resources make it a stage of its own."""

    def initial(self) -> list[str]:
        return []

    def add(self, state: list[str], item: QueryToken) -> list[str]:
        return [*state, item.text]

    def result(self, state: list[str]) -> Hits:
        return Hits(query=" ".join(sorted(state)))


async def encode_query(query: Query, ctx: Context) -> QueryVectors:
    return QueryVectors(values=query.text.encode())


async def rerank(hits: Hits, vectors: QueryVectors, ctx: Context) -> RankedPassages:
    whole = " ".join(sorted(vectors.values.decode().split()))
    ranked = RankedPassages()
    ranked.passages.add(title=hits.query if hits.query == whole else f"{hits.query} is not {whole}")
    return ranked


class Titles:
    """All titles of a claim's queries, sorted."""

    def initial(self) -> list[str]:
        return []

    def add(self, state: list[str], item: RankedPassages) -> list[str]:
        return [*state, item.passages[0].title]

    def result(self, state: list[str]) -> RankedPassages:
        ranked = RankedPassages()
        for title in sorted(state):
            ranked.passages.add(title=title)
        return ranked


async def appraise(claim: Claim, evidence: RankedPassages, ctx: Context) -> VerifiedClaim:
    text = f"{claim.text}|{';'.join(p.title for p in evidence.passages)}"
    return VerifiedClaim(question_id=ctx.question_id, claim_id=ctx.item_id, claim=text)


async def state(claim: Claim, ctx: Context) -> VerifiedClaim:
    """A claim as its own verdict, for pipelines without evidence."""
    return VerifiedClaim(question_id=ctx.question_id, claim_id=ctx.item_id, claim=claim.text)


def expected(text: str) -> list[str]:
    """The claims of a question's outcome, in order."""
    names = [f"{text}.{s}.{c}" for s in range(SENTENCES) for c in range(CLAIMS)]
    return [f"{n}|{';'.join(' '.join(sorted([n, w])) for w in ('alpha', 'beta'))}" for n in names]


def conclude(question_id: str, claims: list[VerifiedClaim], failure: Failure | None) -> Outcome:
    outcome = Outcome(question_id=question_id, status=Outcome.FAILED if failure else Outcome.COMPLETE, claims=claims)
    if failure is not None:
        outcome.failure.CopyFrom(FailureMessage(stage=failure.stage, kind=failure.kind, message=failure.message))
    return outcome


pipeline = p = Pipeline("factool", source=Question)
sentences = p.source.expand(answer, "sentence", concurrency=8)
claims = sentences.expand(extract_claims, "claim", concurrency=8)
queries = claims.expand(generate_queries, "query", cut="lines", item=Query, concurrency=8)
hits = queries.cut("token", at="words", item=QueryToken).aggregate(SortedWords())
ranked = join(hits, queries.map(encode_query)).map(rerank)
verdicts = join(claims, ranked.aggregate(Titles(), over="query")).map(appraise)
p.publish(sentences, "sentence")
p.publish(claims, "claim")
p.output(verdicts, "verified_claim", conclude=conclude)
