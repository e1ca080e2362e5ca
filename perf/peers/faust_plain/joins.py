"""The stages that pair or fold what others sent: dictionaries by key, emptied as groups are complete."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from perf.ceiling.retrieval import BestEvidence, appraise, rerank
from perf.peers.faust_plain.app import CONCURRENCY, Stage
from perf.peers.faust_plain.item import Place, place
from perf.peers.faust_plain.item_pb2 import Item
from perf.peers.faust_plain.topics import CLAIMS, COUNTS, EVIDENCE, HITS, OUTCOMES, VECTORS, VERDICTS
from schemas.claim_pb2 import Claim
from schemas.hits_pb2 import Hits
from schemas.query_vectors_pb2 import QueryVectors
from schemas.ranked_passages_pb2 import RankedPassages
from schemas.verified_claim_pb2 import VerifiedClaim
from stages.outcome import conclude

CLAIM, QUERY = 2, 3  # levels


def rerank_agents(stage: Stage) -> None:
    first: dict[Place, Item] = {}

    async def hits_come(value: bytes) -> None:
        item = Item.FromString(value)
        other = first.pop(place(item, QUERY), None)
        if other is None:
            first[place(item, QUERY)] = item
        else:
            await both(item, other)

    async def vectors_come(value: bytes) -> None:
        item = Item.FromString(value)
        other = first.pop(place(item, QUERY), None)
        if other is None:
            first[place(item, QUERY)] = item
        else:
            await both(other, item)

    async def both(hits: Item, vectors: Item) -> None:
        found = await rerank(
            Hits.FromString(hits.value), QueryVectors.FromString(vectors.value), stage.context(vectors)
        )
        vectors.value = found.SerializeToString()
        await stage.send(EVIDENCE, vectors, CLAIM)

    stage.agent(HITS, hits_come)
    stage.agent(VECTORS, vectors_come)


@dataclass(slots=True)
class OpenClaim:
    """A claim whose evidence is still coming."""

    state: Any
    claim: Item | None = None
    count: int = 0
    awaited: int = -1


def appraise_agents(stage: Stage) -> None:
    best = BestEvidence()
    claims: dict[Place, OpenClaim] = {}

    def of(item: Item) -> OpenClaim:
        found = claims.get(place(item, CLAIM))
        if found is None:
            found = claims[place(item, CLAIM)] = OpenClaim(best.initial())
        return found

    async def claim_comes(value: bytes) -> None:
        item = Item.FromString(value)
        found = of(item)
        found.claim = item
        await judge(found)

    async def evidence_comes(value: bytes) -> None:
        item = Item.FromString(value)
        found = of(item)
        if item.HasField("children"):
            found.awaited = item.children
        else:
            found.state = best.add(found.state, RankedPassages.FromString(item.value))
            found.count += 1
            found.awaited = item.siblings or found.awaited
        await judge(found)

    async def judge(found: OpenClaim) -> None:
        if found.claim is None or found.count != found.awaited:
            return
        item = found.claim
        del claims[place(item, CLAIM)]
        verdict = await appraise(Claim.FromString(item.value), best.result(found.state), stage.context(item))
        item.value = verdict.SerializeToString()
        await stage.send(VERDICTS, item, 0)

    stage.agent(CLAIMS, claim_comes, CONCURRENCY)
    stage.agent(EVIDENCE, evidence_comes, CONCURRENCY)


@dataclass(slots=True)
class OpenQuestion:
    """A question whose verdicts are still coming."""

    sentences: int = -1
    told: int = 0  # sentences that have said how many claims they have
    claims: int = 0
    verdicts: dict[tuple[int, ...], VerifiedClaim] = field(default_factory=dict)


def collect_agents(stage: Stage) -> None:
    questions: dict[str, OpenQuestion] = {}

    async def count_comes(value: bytes) -> None:
        item = Item.FromString(value)
        found = questions.setdefault(item.question, OpenQuestion())
        if item.path:
            found.told += 1
            found.claims += item.children
        else:
            found.sentences = item.children
        await end(item.question, found)

    async def verdict_comes(value: bytes) -> None:
        item = Item.FromString(value)
        found = questions.setdefault(item.question, OpenQuestion())
        found.verdicts[tuple(item.path)] = VerifiedClaim.FromString(item.value)
        await end(item.question, found)

    async def end(question: str, found: OpenQuestion) -> None:
        if found.told != found.sentences or len(found.verdicts) != found.claims:
            return
        del questions[question]
        verdicts = [found.verdicts[path] for path in sorted(found.verdicts)]
        await stage.publish(OUTCOMES, question, conclude(question, verdicts, None).SerializeToString())

    stage.agent(COUNTS, count_comes)
    stage.agent(VERDICTS, verdict_comes)
