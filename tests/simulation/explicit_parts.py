"""The explicit FacTool over the scripted functions of `scripted.py`, which speak in texts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from google.protobuf.wrappers_pb2 import UInt32Value
from scripted import Evidence, Script, Text, Words

from alto_streams.context import Context
from alto_streams.explicit import ExplicitPipeline, Read, Write
from alto_streams.testing import Result
from examples.explicit_factool import Parts, conclude, factool
from schemas.claim_pb2 import Claim
from schemas.hits_pb2 import Hits
from schemas.outcome_pb2 import Outcome
from schemas.query_pb2 import Query
from schemas.query_vectors_pb2 import QueryVectors
from schemas.question_pb2 import Question
from schemas.ranked_passages_pb2 import RankedPassages
from schemas.sentence_pb2 import Sentence
from schemas.verified_claim_pb2 import VerifiedClaim


class ScoredWords(Words):
    def result(self, state: list[str]) -> Hits:  # type: ignore[override]
        return Hits(query=super().result(state).text)


class Passages(Evidence):
    def add(self, state: tuple[str, ...], item: Any) -> tuple[str, ...]:
        return super().add(state, Text(item.passages[0].title))

    def result(self, state: tuple[str, ...]) -> RankedPassages:  # type: ignore[override]
        ranked = RankedPassages()
        ranked.passages.add(title=super().result(state).text)
        return ranked


def explicit(script: Script) -> ExplicitPipeline:
    """With the very functions that the graph of the script has."""
    part = {stage.name: stage.function for stage in script.pipeline().plan.stages}

    async def answer(question: Question, ctx: Context) -> AsyncIterator[Sentence]:
        async for text in part["answer"](question.text.encode(), ctx):
            yield Sentence(text=text.text)

    async def extract_claims(sentence: Sentence, ctx: Context) -> AsyncIterator[Claim]:
        async for text in part["extract"](Text(sentence.text), ctx):
            yield Claim(text=text.text)

    async def generate_queries(claim: Claim, ctx: Context) -> AsyncIterator[str]:
        async for chunk in part["generate"](Text(claim.text), ctx):
            yield chunk

    async def encode_query(query: Query, ctx: Context) -> QueryVectors:
        return QueryVectors(values=(await part["encode"](Text(query.text), ctx)).SerializeToString())

    async def rerank(hits: Hits, vectors: QueryVectors, ctx: Context) -> RankedPassages:
        found = await part["rerank"](Text(hits.query), Text(vectors.values.decode()), ctx)
        ranked = RankedPassages()
        ranked.passages.add(title=found.text)
        return ranked

    async def appraise(claim: Claim, evidence: RankedPassages, ctx: Context) -> VerifiedClaim:
        verdict = await part["appraise"](Text(claim.text), Text(evidence.passages[0].title), ctx)
        return VerifiedClaim(claim=verdict.text, claim_id=ctx.item_id)

    return factool(
        "explicit",
        Parts(answer, extract_claims, generate_queries, ScoredWords(), encode_query, rerank, Passages(), appraise),
    )


def as_texts(result: Result) -> Result:
    """With the outcomes as the graph of the script has them."""
    return replace(result, outcomes={question: texts(outcome) for question, outcome in result.outcomes.items()})


def texts(outcome: Outcome) -> bytes:
    if outcome.status == Outcome.COMPLETE:
        return json.dumps([claim.claim for claim in outcome.claims]).encode()
    failure = outcome.failure
    return json.dumps({"failure": [failure.stage, failure.kind, failure.message]}).encode()


def relay(script: Script) -> ExplicitPipeline:
    """A stage with a key that passes on what it reads at once, in a chain: question, items, relayed items, outcome."""
    p = ExplicitPipeline("relay", source=Question, outcome=Outcome, conclude=conclude)
    p.queue("items", Claim, key="question")
    p.queue("count", UInt32Value, key="question")
    p.queue("relayed", Claim, key="question")
    p.queue("relayed_count", UInt32Value, key="question")

    async def write_items(read: Read[Question], write: Write, ctx: Context) -> None:
        async for question in read:
            items = script.children("s", question.value.text)
            for index, item in enumerate(items):
                await write("items", Claim(text=item), index, [ctx.question_id])
            script.completed["s", question.value.text].append(items)
            await write("count", UInt32Value(value=len(items)), 0, [ctx.question_id])

    async def pass_on(read: Read[Claim | UInt32Value], write: Write, ctx: Context) -> None:
        seen, count = 0, None
        async for message in read:
            if isinstance(message.value, UInt32Value):
                count = message.value.value
                await write("relayed_count", message.value, 0, read.ids)
            else:
                seen += 1
                await write("relayed", message.value, message.id, read.ids)
            if seen == count:
                return

    async def end(read: Read[Claim | UInt32Value], write: Write, ctx: Context) -> None:
        items, count = dict[int, VerifiedClaim](), None
        async for message in read:
            if isinstance(message.value, UInt32Value):
                count = message.value.value
            else:
                items[int(message.id)] = VerifiedClaim(claim=message.value.text)
            if len(items) == count:
                break
        await write("outcome", Outcome(claims=[items[index] for index in sorted(items)]), 0, read.ids)

    p.stage(write_items, reads="questions", writes=("items", "count"))
    p.stage(pass_on, reads=("items", "count"), writes=("relayed", "relayed_count"))
    p.stage(end, reads=("relayed", "relayed_count"), writes="outcome")
    return p


def check_relay(script: Script, result: Result) -> None:
    """Each outcome is what one run wrote, whole."""
    for question, outcome in result.outcomes.items():
        found = json.loads(texts(outcome))
        assert found in script.completed["s", question], f"{question} mixes runs, or has half of one: {found}"
