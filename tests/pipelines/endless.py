"""A language model that never stops writing, and a stage that fails at it or does not: for ends before the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from alto_streams.context import Context
from alto_streams.engines.protocol import Message, Prompt, Sampling
from alto_streams.pipeline import Pipeline
from schemas.question_pb2 import Question
from schemas.sentence_pb2 import Sentence
from schemas.verified_claim_pb2 import Verdict, VerifiedClaim
from tests.pipelines.small import conclude


async def write(question: Question, ctx: Context) -> AsyncIterator[str]:
    assert ctx.engine is not None
    async for text in ctx.engine.generate(Prompt("write", (Message("user", question.text),)), Sampling()):
        yield text


async def check(sentence: Sentence, ctx: Context) -> VerifiedClaim:
    raise ValueError("told to fail")


async def keep(sentence: Sentence, ctx: Context) -> VerifiedClaim:
    return VerifiedClaim(claim=sentence.text, verdict=Verdict.SUPPORTED)


def graph(name: str, read: Callable[[Sentence, Context], Awaitable[VerifiedClaim]]) -> Pipeline:
    p = Pipeline(name, source=Question)
    sentences = p.source.expand(write, "sentence", cut="lines", item=Sentence, uses="lm")
    p.output(sentences.map(read), "verified_claim", conclude=conclude)
    return p


pipeline = graph("endless", check)
patient = graph("patient", keep)
