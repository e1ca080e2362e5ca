"""The functions of `stages/`, by hand and as a graph: the same sentences, claims, queries, verdicts, under any faults.

Retrieval is played, since it waits for threads; the language model says what a script tells it to.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

import pytest

from alto_streams.context import Context
from alto_streams.engines.protocol import Prompt
from alto_streams.events import place
from alto_streams.pipeline import Pipeline, join
from alto_streams.testing import Result, run, simulate
from examples.explicit_factool import Parts, factool
from schemas.hits_pb2 import Hit, Hits
from schemas.outcome_pb2 import Outcome
from schemas.query_pb2 import Query
from schemas.query_token_pb2 import QueryToken
from schemas.query_vectors_pb2 import QueryVectors
from schemas.question_pb2 import Question
from schemas.ranked_passages_pb2 import RankedPassage, RankedPassages
from stages import graph, outcome
from tests.unit.scripted_engine import ScriptedEngine

SEEDS = int(os.environ.get("ALTO_SEEDS", "25"))
ANSWERS = {
    "Who wrote Emma?": "Jane Austen wrote Emma in 1815. Jane Austen was born in Steventon.",
    "What is basalt?": "Basalt is a dark volcanic rock. Basalt forms when lava cools quickly. Basalt is common.",
    "Well?": "",
}
QUESTIONS = {f"q{i}": Question(text=text) for i, text in enumerate(ANSWERS)}


def number(text: str, below: int) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "little") % below


def say(prompt: Prompt) -> list[str]:
    asked = prompt.messages[-1].content
    if prompt.name == "answer":
        return [word + " " for word in ANSWERS[asked].split()]
    if prompt.name == "extract_claims":
        return [asked.rpartition("Sentence: ")[2], "\n"]
    words = [word.strip(".") for word in asked.split()]
    return [" ".join(words[:2]), "\n" + words[0], " " + words[-1] + "\n"]


def odds(prompt: Prompt, options: Sequence[str]) -> list[float]:
    return [-number(prompt.messages[-1].content, 50) / 10, -2.0]


class PlayedBm25:
    def open(self) -> None:
        """Makes it a stage of its own."""

    def initial(self) -> Counter[int]:
        return Counter()

    def add(self, state: Counter[int], item: QueryToken) -> Counter[int]:
        return state + Counter({number(f"{item.text}{i}", 9): 1 + number(item.text, 5) for i in range(3)})

    def result(self, state: Counter[int]) -> Hits:
        return Hits(hits=[Hit(passage=p, score=s) for p, s in sorted(state.items(), key=lambda one: (-one[1], one[0]))])


async def encode_query(query: Query, ctx: Context) -> QueryVectors:
    return QueryVectors(values=query.text.encode())


async def rerank(hits: Hits, vectors: QueryVectors, ctx: Context) -> RankedPassages:
    query = vectors.values.decode()
    return RankedPassages(
        passages=[
            RankedPassage(
                passage=hit.passage, title=f"P{hit.passage}", text=f"{query} it says.", bm25=hit.score,
                late_interaction=number(f"{query}{hit.passage}", 100) / 100, weakest=0.5,
            )
            for hit in hits.hits[:4]
        ]
    )  # fmt: skip


def by_graph() -> Pipeline:
    """As `stages/graph.py` has it."""
    p = Pipeline("factool", source=Question)
    sentences = p.source.expand(graph.answer, "sentence", uses="lm")
    claims = sentences.expand(graph.extract_claims, "claim", uses="lm")
    queries = claims.expand(graph.generate_queries, "query", cut="lines", item=Query, uses="lm")
    hits = queries.cut("token", at="words", item=QueryToken).aggregate(PlayedBm25())
    ranked = join(hits, queries.map(encode_query)).map(rerank)
    verdicts = join(claims, ranked.aggregate(graph.BestEvidence(), over="query")).map(graph.appraise, uses="lm")
    p.publish(sentences, "sentence")
    p.publish(claims, "claim")
    p.output(verdicts, "verified_claim", conclude=outcome.conclude)
    return p


def without_attempts(found: Outcome) -> Outcome:
    """A claim's id ends with a digest of the attempts that led to it, which differ from run to run."""
    plain = Outcome()
    plain.CopyFrom(found)
    for claim in plain.claims:
        claim.claim_id = ".".join(map(str, place(claim.claim_id)))
    return plain


def outcomes(result: Result) -> dict[str, Outcome]:
    return {question: without_attempts(found) for question, found in result.outcomes.items()}


def shown(result: Result) -> Counter[tuple[str, str, tuple[int, ...]]]:
    """What was published along the way."""
    channels = (result.progress, result.outputs)
    return Counter((q, item.type, place(item.id)) for found in channels for q, items in found.items() for item in items)


@pytest.mark.timeout(0)
def test_the_explicit_factool_ends_as_the_graph_does() -> None:
    pool = ScriptedEngine(say, odds)
    expected = run(by_graph(), QUESTIONS, pool=pool)
    ends = outcomes(expected)
    assert sum(len(end.claims) for end in ends.values()) >= 5
    assert len({claim.score for end in ends.values() for claim in end.claims}) > 2
    explicit = factool(parts=Parts(bm25=PlayedBm25(), encode_query=encode_query, rerank=rerank))
    by_hand = run(explicit, QUESTIONS, pool=pool)
    assert outcomes(by_hand) == ends
    for channel in ("progress", "outputs"):
        shown = [
            {
                question: sorted((i.type, place(i.id)) for i in items)
                for question, items in getattr(one, channel).items()
            }
            for one in (expected, by_hand)
        ]
        assert shown[0] == shown[1]

    def same(result: Result) -> None:
        assert outcomes(result) == ends

    for seed in range(SEEDS):
        simulate(explicit, QUESTIONS, seed, pool=pool, check=same)
