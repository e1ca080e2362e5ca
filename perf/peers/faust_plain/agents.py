"""The stages as Faust agents. What they compute is the pipeline's own; what they keep is in their memory alone.

Counts complete a group: the last word of a query says how many there were, and so does the last query of a claim, all
the way down to its evidence. Where only the end of a run tells, a record of its own says it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from alto_streams.cutting import Line, LineCutter, Word
from perf.ceiling.retrieval import Bm25, encode_query
from perf.peers.faust_plain.app import CONCURRENCY, Stage
from perf.peers.faust_plain.item import Place, place
from perf.peers.faust_plain.item_pb2 import Item
from perf.peers.faust_plain.joins import appraise_agents, collect_agents, rerank_agents
from perf.peers.faust_plain.topics import CLAIMS, COUNTS, EVIDENCE, HITS, QUERIES, QUESTIONS, SENTENCES, VECTORS, WORDS
from schemas.claim_pb2 import Claim
from schemas.query_pb2 import Query
from schemas.query_token_pb2 import QueryToken
from schemas.question_pb2 import Question
from schemas.sentence_pb2 import Sentence
from stages.answer import answer
from stages.extract_claims import extract_claims
from stages.generate_queries import generate_queries

CLAIM, QUERY = 2, 3  # levels


def answer_agents(stage: Stage) -> None:
    async def work(value: bytes) -> None:
        question = Question.FromString(value)
        asked, count = Item(question=question.question_id), 0
        async for sentence in answer(question, stage.context(asked)):
            item = Item(question=asked.question, path=[count], value=sentence.SerializeToString())
            await stage.send(SENTENCES, item)
            count += 1
        await stage.send(COUNTS, Item(question=asked.question, children=count), 0)

    stage.agent(QUESTIONS, work, CONCURRENCY)


def extract_claims_agents(stage: Stage) -> None:
    async def work(value: bytes) -> None:
        read, count = Item.FromString(value), 0
        async for claim in extract_claims(Sentence.FromString(read.value), stage.context(read)):
            item = Item(question=read.question, path=[*read.path, count], value=claim.SerializeToString())
            await stage.send(CLAIMS, item, CLAIM)
            count += 1
        await stage.send(COUNTS, Item(question=read.question, path=read.path, children=count), 0)

    stage.agent(SENTENCES, work, CONCURRENCY)


def generate_queries_agents(stage: Stage) -> None:
    async def work(value: bytes) -> None:
        read, cutter, queries = Item.FromString(value), LineCutter(), 0
        question, claim = read.question, list(read.path)

        async def send(pieces: Sequence[Word | Line], ends: bool) -> bool:
            """Whether one of them was sent as the last query."""
            nonlocal queries
            told = False
            for number, (piece, after) in enumerate(zip_longest(pieces, pieces[1:])):
                path = [*claim, queries]
                if isinstance(piece, Word):
                    siblings = after.words if isinstance(after, Line) else 0
                    word = QueryToken(text=piece.text).SerializeToString()
                    item = Item(question=question, path=[*path, piece.index], siblings=siblings, value=word)
                    await stage.send(WORDS, item, QUERY)
                    continue
                if number == 0:  # its last word went out before it was known to be the last
                    await stage.send(WORDS, Item(question=question, path=path, children=piece.words), QUERY)
                queries += 1
                told = ends and after is None
                query = Query(text=piece.text).SerializeToString()
                item = Item(question=question, path=path, siblings=queries if told else 0, value=query)
                await stage.send(QUERIES, item)
            return told

        async for text in generate_queries(Claim.FromString(read.value), stage.context(read)):
            await send([*cutter.feed(text)], ends=False)
        if not await send([*cutter.end()], ends=True):
            await stage.send(EVIDENCE, Item(question=question, path=claim, children=queries), CLAIM)

    stage.agent(CLAIMS, work, CONCURRENCY)


def bm25_agents(stage: Stage) -> None:
    scorer = Bm25()
    scorer.open()
    open_queries: dict[Place, tuple[Any, int, int]] = {}  # state, words so far, words in all

    async def work(value: bytes) -> None:
        item = Item.FromString(value)
        query = place(item, QUERY)
        state, count, awaited = open_queries.get(query) or (scorer.initial(), 0, -1)
        if item.HasField("children"):
            awaited = item.children
        else:
            state = scorer.add(state, QueryToken.FromString(item.value))
            count, awaited = count + 1, item.siblings or awaited
        if count != awaited:
            open_queries[query] = state, count, awaited
            return
        open_queries.pop(query, None)
        hits = scorer.result(state).SerializeToString()
        await stage.send(HITS, Item(question=item.question, path=item.path[:QUERY], value=hits), QUERY)

    stage.agent(WORDS, work)


def encode_query_agents(stage: Stage) -> None:
    async def work(value: bytes) -> None:
        item = Item.FromString(value)
        vectors = await encode_query(Query.FromString(item.value), stage.context(item))
        item.value = vectors.SerializeToString()
        await stage.send(VECTORS, item, QUERY)

    stage.agent(QUERIES, work)


AGENTS: Mapping[str, Callable[[Stage], None]] = {
    "answer": answer_agents,
    "extract_claims": extract_claims_agents,
    "generate_queries": generate_queries_agents,
    "bm25": bm25_agents,
    "encode_query": encode_query_agents,
    "rerank": rerank_agents,
    "appraise": appraise_agents,
    "collect": collect_agents,
}
