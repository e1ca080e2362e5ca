"""FacTool by hand: the stages of `stages/`, with every queue, id, count and constraint written out.

ALTO_PIPELINE=examples.explicit_factool:pipeline alto pipeline show

`stages/graph.py` is the same in a dozen lines. Ids are nested: sentence `0`, claim `0.2`, query `0.2.1`, token
`0.2.1.4`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.wrappers_pb2 import UInt32Value

from alto_streams.context import Context
from alto_streams.cutting import LineCutter, Word
from alto_streams.explicit import ExplicitPipeline, Read, Write
from alto_streams.failure import Failure
from alto_streams.operators import Operator
from schemas.claim_pb2 import Claim
from schemas.hits_pb2 import Hits
from schemas.outcome_pb2 import Outcome
from schemas.query_pb2 import Query
from schemas.query_token_pb2 import QueryToken
from schemas.query_vectors_pb2 import QueryVectors
from schemas.question_pb2 import Question
from schemas.ranked_passages_pb2 import RankedPassages
from schemas.sentence_pb2 import Sentence
from schemas.verified_claim_pb2 import VerifiedClaim
from stages import outcome
from stages.answer import ANSWER_PROMPT, answer
from stages.appraise import appraise
from stages.best_evidence import BestEvidence
from stages.bm25 import Bm25
from stages.encode_query import EncodeQuery
from stages.extract_claims import CLAIMS_PROMPT, extract_claims
from stages.generate_queries import QUERIES_PROMPT, generate_queries
from stages.rerank import Rerank

Function = Callable[..., Any]


@dataclass(frozen=True)
class Parts:
    """What the stages do, as the graph has it; a test puts others in their place."""

    answer: Function = answer
    extract_claims: Function = extract_claims
    generate_queries: Function = generate_queries
    bm25: Operator = field(default_factory=Bm25)
    encode_query: Function = field(default_factory=EncodeQuery)
    rerank: Function = field(default_factory=Rerank)
    best_evidence: Operator = field(default_factory=BestEvidence)
    appraise: Function = appraise


class Stage:
    """A stage that does one part's work; opens the part before the first record where it has resources."""

    def __init__(self, part: Any) -> None:
        self.part = part

    def open(self) -> None:
        if hasattr(self.part, "open"):
            self.part.open()


class AnswerQuestion(Stage):
    async def __call__(self, read: Read[Question], write: Write, ctx: Context) -> None:
        async for question in read:
            count = 0
            async with aclosing(self.part(question.value, ctx)) as sentences:
                async for sentence in sentences:
                    await write("sentences", sentence, id=count)
                    await write("sentence", sentence, id=count)
                    count += 1
            await write("sentence_count", UInt32Value(value=count), id="sentences", constraints=[ctx.question_id])


class ExtractClaims(Stage):
    async def __call__(self, read: Read[Sentence], write: Write, ctx: Context) -> None:
        question = ctx.question_id
        async for sentence in read:
            count = 0
            async with aclosing(self.part(sentence.value, ctx)) as claims:
                async for claim in claims:
                    id = f"{sentence.id}.{count}"
                    await write("claims", claim, id=id)
                    await write("claims_to_appraise", claim, id=id, constraints=[question, id])
                    await write("claim", claim, id=id)
                    count += 1
            # Also where there is none: otherwise nobody would know.
            await write("claim_counts", UInt32Value(value=count), id=sentence.id, constraints=[question])


class GenerateQueries(Stage):
    async def __call__(self, read: Read[Claim], write: Write, ctx: Context) -> None:
        question = ctx.question_id
        async for claim in read:
            cutter, count = LineCutter(), 0

            async def cut(pieces: Any, claim: str = claim.id) -> None:
                nonlocal count
                for piece in pieces:
                    query = f"{claim}.{count}"
                    if isinstance(piece, Word):  # of the line that is still being written
                        token, id = QueryToken(text=piece.text), f"{query}.{piece.index}"
                        await write("tokens", token, id=id, constraints=[question, query])
                    else:
                        words = UInt32Value(value=piece.words)
                        await write("queries", Query(text=piece.text), id=query)
                        await write("token_counts", words, id=query, constraints=[question, query])
                        count += 1

            async with aclosing(self.part(claim.value, ctx)) as chunks:
                async for chunk in chunks:
                    await cut(cutter.feed(chunk))
            await cut(cutter.end())
            await write("query_counts", UInt32Value(value=count), id=claim.id, constraints=[question, claim.id])


class ScoreTokens(Stage):
    """Sums as the tokens come; the sum is whole when there are as many as their writer has counted."""

    async def __call__(self, read: Read[QueryToken | UInt32Value], write: Write, ctx: Context) -> None:
        state, seen, count = self.part.initial(), 0, None
        async for message in read:
            match message.value:
                case QueryToken() as token:
                    state, seen = self.part.add(state, token), seen + 1
                case UInt32Value(value=count):
                    pass
            if seen == count:
                break
        question, query = read.ids
        await write("hits", self.part.result(state), id=query, constraints=[question, query])


class Encode(Stage):
    async def __call__(self, read: Read[Query], write: Write, ctx: Context) -> None:
        async for query in read:
            vectors = await self.part(query.value, ctx)
            await write("vectors", vectors, id=query.id, constraints=[ctx.question_id, query.id])


class RerankHits(Stage):
    """A join: one of each."""

    async def __call__(self, read: Read[Hits | QueryVectors], write: Write, ctx: Context) -> None:
        found: dict[str, Any] = {}
        async for message in read:
            found[message.queue] = message.value
            if len(found) == 2:
                break
        question, query = read.ids
        claim, _, _ = query.rpartition(".")
        ranked = await self.part(found["hits"], found["vectors"], ctx)
        await write("ranked", ranked, id=query, constraints=[question, claim])


class AppraiseClaim(Stage):
    """An aggregate and a join in one: the claim, and the passages of all its queries."""

    def __init__(self, part: Function, evidence: Operator) -> None:
        super().__init__(part)
        self.evidence = evidence

    async def __call__(self, read: Read[Claim | RankedPassages | UInt32Value], write: Write, ctx: Context) -> None:
        claim, state, seen, count = None, self.evidence.initial(), 0, None
        async for message in read:
            match message.value:
                case Claim() as claim:
                    pass
                case RankedPassages() as ranked:
                    state, seen = self.evidence.add(state, ranked), seen + 1
                case UInt32Value(value=count):
                    pass
            if claim is not None and seen == count:
                break
        question, id = read.ids
        verdict = await self.part(claim, self.evidence.result(state), ctx)
        await write("verified_claim", verdict, id=id)
        await write("verdicts", verdict, id=id, constraints=[question])


async def end_question(read: Read[VerifiedClaim | UInt32Value], write: Write, ctx: Context) -> None:
    """All claims of all sentences are there: two levels of counts."""
    verdicts: dict[tuple[int, ...], VerifiedClaim] = {}
    claims: dict[str, int] = {}
    sentences = None
    async for message in read:
        match message.queue:
            case "verdicts":
                verdicts[tuple(map(int, message.id.split(".")))] = message.value
            case "claim_counts":
                claims[message.id] = message.value.value
            case "sentence_count":
                sentences = message.value.value
        if len(claims) == sentences and len(verdicts) == sum(claims.values()):
            break
    in_order = [verdict for _, verdict in sorted(verdicts.items(), key=lambda one: one[0])]
    await write("outcome", Outcome(claims=in_order), id="outcome", constraints=read.ids)


def conclude(question_id: str, found: Sequence[Outcome], failure: Failure | None) -> Outcome:
    return outcome.conclude(question_id, [claim for one in found for claim in one.claims], failure)


def factool(name: str = "factool", parts: Parts | None = None) -> ExplicitPipeline:
    parts = parts or Parts()
    p = ExplicitPipeline(name, source=Question, outcome=Outcome, conclude=conclude)
    of_query, of_claim, of_question = ("question", "query"), ("question", "claim"), ("question",)

    p.queue("sentences", Sentence)
    p.queue("claims", Claim)
    p.queue("queries", Query)
    p.queue("tokens", QueryToken, key=of_query)
    p.queue("token_counts", UInt32Value, key=of_query)
    p.queue("hits", Hits, key=of_query)
    p.queue("vectors", QueryVectors, key=of_query)
    p.queue("ranked", RankedPassages, key=of_claim)
    p.queue("query_counts", UInt32Value, key=of_claim)
    p.queue("claims_to_appraise", Claim, key=of_claim)
    p.queue("verdicts", VerifiedClaim, key=of_question)
    p.queue("claim_counts", UInt32Value, key=of_question)
    p.queue("sentence_count", UInt32Value, key=of_question)
    p.progress_queue("sentence", Sentence)
    p.progress_queue("claim", Claim)
    p.output_queue("verified_claim", VerifiedClaim)

    p.stage(
        AnswerQuestion(parts.answer),
        name="answer",
        reads="questions",
        writes=("sentences", "sentence", "sentence_count"),
        uses="lm",
        prompt=ANSWER_PROMPT,
    )
    p.stage(
        ExtractClaims(parts.extract_claims),
        name="extract_claims",
        reads="sentences",
        writes=("claims", "claims_to_appraise", "claim", "claim_counts"),
        uses="lm",
        prompt=CLAIMS_PROMPT,
    )
    p.stage(
        GenerateQueries(parts.generate_queries),
        name="generate_queries",
        reads="claims",
        writes=("tokens", "token_counts", "queries", "query_counts"),
        uses="lm",
        prompt=QUERIES_PROMPT,
    )
    p.stage(ScoreTokens(parts.bm25), name="bm25", reads=("tokens", "token_counts"), writes="hits")
    p.stage(Encode(parts.encode_query), name="encode_query", reads="queries", writes="vectors")
    p.stage(RerankHits(parts.rerank), name="rerank", reads=("hits", "vectors"), writes="ranked")
    p.stage(
        AppraiseClaim(parts.appraise, parts.best_evidence),
        name="appraise",
        reads=("claims_to_appraise", "ranked", "query_counts"),
        writes=("verified_claim", "verdicts"),
        uses="lm",
    )
    p.stage(end_question, reads=("verdicts", "claim_counts", "sentence_count"), writes="outcome")
    return p


pipeline = factool()
