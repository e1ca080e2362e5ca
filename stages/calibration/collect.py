"""Takes labelled claims through the pipeline, from query generation to the engine's opinion, and keeps the raw results.

They are kept one claim a line under the cache folder, so that an interrupted run goes on where it was, and features
can be changed and fitted again in a second.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from alto_streams.context import Context
from alto_streams.engines.protocol import Engine
from alto_streams.errors import InvalidInput
from alto_streams.quanta import Lines, Words, cut
from schemas.claim_pb2 import Claim
from schemas.query_pb2 import Query
from schemas.query_token_pb2 import QueryToken
from stages.best_evidence import BestEvidence
from stages.bm25 import Bm25
from stages.calibration.features import Passage, best_first
from stages.encode_query import EncodeQuery
from stages.generate_queries import generate_queries
from stages.opinion import Opinion, opinion
from stages.rerank import Rerank

DEADLINE_S = 600.0
ORDER = 0


@dataclass(frozen=True, slots=True)
class Collected:
    """A labelled claim with what the pipeline made of it."""

    id: str
    claim: str
    label: bool
    evidence_titles: tuple[str, ...]
    queries: tuple[str, ...]
    passages: tuple[Passage, ...]  # as BestEvidence gives them
    opinion: Opinion  # of the passage that best_first puts first

    def without_gold(self) -> list[Passage]:
        """The passages that the claim was not written from."""
        return [passage for passage in self.passages if passage.title not in self.evidence_titles]


def read(path: Path) -> dict[str, Collected]:
    """The results so far, by id; a last line that was cut off is left out."""
    found: dict[str, Collected] = {}
    if path.exists():
        for line in path.read_text().splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            found[row["id"]] = _restored(row)
    return found


def labelled(path: Path) -> list[dict[str, Any]]:
    """Claims with `id`, `claim`, `label` and `evidence_titles`, one JSON object a line. Raises InvalidInput."""
    try:
        rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        return [{name: row[name] for name in ("id", "claim", "label", "evidence_titles")} for row in rows]
    except (OSError, ValueError, KeyError) as error:
        raise InvalidInput(
            "invalid_claims",
            f"{path} holds no labelled claims: {error!r}.",
            "give a .jsonl with id, claim, label, evidence_titles",
        ) from error


async def collect(
    claims: Iterable[Mapping[str, Any]],
    engine: Engine,
    kept: Path,
    progress: Callable[[int], None] = lambda done: None,
    in_flight: int = 2,
) -> dict[str, Collected]:
    """Results for all claims; those that `kept` already has are not computed again."""
    done = read(kept)
    stages = _Stages(engine)
    kept.parent.mkdir(parents=True, exist_ok=True)
    slots = asyncio.Semaphore(in_flight)
    with kept.open("a") as file:

        async def one(row: Mapping[str, Any]) -> None:
            async with slots:
                result = await stages.run(row)
            done[result.id] = result
            file.write(json.dumps(asdict(result)) + "\n")
            file.flush()
            progress(len(done))

        missing = sorted((row for row in claims if row["id"] not in done), key=lambda row: str(row["id"]))
        random.Random(ORDER).shuffle(missing)  # so that an interrupted run has a fair sample
        if missing:
            stages.open()
        async with asyncio.TaskGroup() as group:
            for row in missing:
                group.create_task(one(row))
    return done


class _Stages:
    """The stages from query generation to the evidence, called directly."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._bm25, self._encode, self._rerank, self._best = Bm25(), EncodeQuery(), Rerank(), BestEvidence()

    def open(self) -> None:
        for stage in (self._bm25, self._encode, self._rerank):
            stage.open()

    async def run(self, row: Mapping[str, Any]) -> Collected:
        context = Context(row["id"], row["id"], time.time() + DEADLINE_S, self._engine)
        claim = Claim(text=row["claim"])
        queries = cut(Lines(), "".join([text async for text in generate_queries(claim, context)]))
        evidence = self._best.initial()
        for query in queries:
            hits = self._bm25.initial()
            for word in cut(Words(), query):
                hits = self._bm25.add(hits, QueryToken(text=word))
            vectors = await self._encode(Query(text=query), context)
            evidence = self._best.add(evidence, await self._rerank(self._bm25.result(hits), vectors, context))
        found = self._best.result(evidence).passages
        passages = tuple(Passage(one.title, one.text, one.bm25, one.late_interaction, one.weakest) for one in found)
        held = Opinion()
        if passages:
            best = best_first(claim.text, passages)[0]
            held = await opinion(self._engine, claim.text, best.title, best.text)
        titles = tuple(row["evidence_titles"])
        return Collected(row["id"], claim.text, bool(row["label"]), titles, tuple(queries), passages, held)


def _restored(row: dict[str, Any]) -> Collected:
    return Collected(
        row["id"],
        row["claim"],
        row["label"],
        tuple(row["evidence_titles"]),
        tuple(row["queries"]),
        tuple(Passage(**passage) for passage in row["passages"]),
        Opinion(**row["opinion"]),
    )
