"""A pipeline of FacTool's shape on an emulated language model, and without retrieval models, for traces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from alto_streams.context import Context
from alto_streams.engines.protocol import Prompt, Sampling
from alto_streams.pipeline import Pipeline, join
from schemas.claim_pb2 import Claim
from schemas.query_pb2 import Query
from schemas.query_token_pb2 import QueryToken
from schemas.question_pb2 import Question
from schemas.sentence_pb2 import Sentence
from tests.pipelines.small import SortedWords, Titles, appraise, conclude, encode_query, rerank

ANSWER, CLAIMS, QUERIES = (Prompt(name, ()) for name in ("answer", "extract_claims", "generate_queries"))
SHORT = Sampling(max_tokens=40)


async def answer(question: Question, ctx: Context) -> AsyncIterator[str]:
    if "fail" in question.text:
        raise ValueError("told to fail")
    if "sleep" in question.text:
        await asyncio.sleep(60)
    async for text in ctx.engine.generate(ANSWER.ask(question.text), SHORT):
        yield text


async def extract_claims(sentence: Sentence, ctx: Context) -> AsyncIterator[str]:
    async for text in ctx.engine.generate(CLAIMS.ask(sentence.text), SHORT):
        yield text


async def generate_queries(claim: Claim, ctx: Context) -> AsyncIterator[str]:
    async for text in ctx.engine.generate(QUERIES.ask(claim.text), SHORT):
        yield text


pipeline = p = Pipeline("traced", source=Question)
sentences = p.source.expand(answer, "sentence", cut="sentence", item=Sentence, uses="lm", concurrency=8)
claims = sentences.expand(extract_claims, "claim", cut="lines", item=Claim, uses="lm", concurrency=8)
queries = claims.expand(generate_queries, "query", cut="lines", item=Query, uses="lm", concurrency=8)
hits = queries.cut("token", at="words", item=QueryToken).aggregate(SortedWords())
ranked = join(hits, queries.map(encode_query)).map(rerank)
verdicts = join(claims, ranked.aggregate(Titles(), over="query")).map(appraise)
p.output(verdicts, "verified_claim", conclude=conclude)
