"""A language model that never stops writing, and a stage that fails at what it writes: for ends before the end."""

from __future__ import annotations

from collections.abc import AsyncIterator

from alto_streams.context import Context
from alto_streams.engines.protocol import Message, Prompt, Sampling
from alto_streams.pipeline import Pipeline
from schemas.claim_pb2 import Claim
from schemas.question_pb2 import Question
from schemas.sentence_pb2 import Sentence
from tests.pipelines.small import conclude


async def write(question: Question, ctx: Context) -> AsyncIterator[str]:
    assert ctx.engine is not None
    async for text in ctx.engine.generate(Prompt("write", (Message("user", question.text),)), Sampling()):
        yield text


async def check(sentence: Sentence, ctx: Context) -> Claim:
    raise ValueError("told to fail")


pipeline = p = Pipeline("endless", source=Question)
p.output(
    p.source.expand(write, "sentence", cut="lines", item=Sentence, uses="lm").map(check), "claim", conclude=conclude
)
