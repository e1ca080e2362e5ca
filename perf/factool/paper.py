"""FacTool in the shape of ALTO's paper: claims are taken from the whole answer, and nothing is left out or cut short.

The stages are the paper's six and our appraisal. With the emulated engine requests, outputs and words are table 1's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from alto_streams.context import Context
from alto_streams.engines.protocol import Prompt, Sampling
from alto_streams.pipeline import Pipeline
from perf.factool.graph import BATCH, check
from perf.factool.retrieval import ENCODE_S, RERANK_S
from schemas.claim_pb2 import Claim
from schemas.query_pb2 import Query
from schemas.question_pb2 import Question
from schemas.sentence_pb2 import Sentence
from stages.answer import ANSWER_PROMPT
from stages.extract_claims import CLAIMS_PROMPT
from stages.generate_queries import QUERIES_PROMPT

WHOLE = Sampling(max_tokens=4096)  # longer than any that table 1's distributions give in a billion


async def answer(question: Question, ctx: Context) -> Sentence:
    """The whole response: the paper's first quantum."""
    return Sentence(text="".join([text async for text in written(ctx, ANSWER_PROMPT, question.text)]))


async def extract_claims(response: Sentence, ctx: Context) -> AsyncIterator[str]:
    async for text in written(ctx, CLAIMS_PROMPT, response.text):
        yield text


async def generate_queries(claim: Claim, ctx: Context) -> AsyncIterator[str]:
    async for text in written(ctx, QUERIES_PROMPT, claim.text):
        yield text


async def written(ctx: Context, prompt: Prompt, asked: str) -> AsyncIterator[str]:
    async with aclosing(ctx.engine.generate(prompt.ask(asked), WHOLE)) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            yield chunk


def factool(encode_s: float = ENCODE_S, rerank_s: float = RERANK_S) -> Pipeline:
    """The retrieval models take so many seconds a query; with none at all, it runs in virtual time too."""
    p = Pipeline("factool", source=Question)

    responses = p.source.map(answer, uses="lm", prompt=ANSWER_PROMPT, concurrency=BATCH)
    claims = responses.expand(
        extract_claims, "claim", cut="lines", item=Claim, uses="lm", prompt=CLAIMS_PROMPT, concurrency=BATCH
    )
    queries = claims.expand(
        generate_queries, "query", cut="lines", item=Query, uses="lm", prompt=QUERIES_PROMPT, concurrency=BATCH
    )
    check(p, claims, queries, encode_s, rerank_s)
    return p


pipeline = factool()
