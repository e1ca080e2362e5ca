"""Query encoder and reranker without their models, which on two cores would be all that a benchmark measures.

Each takes the time that the real one takes on a processor of its own (perf/results/retrieval.json; the reranker's with
cached passages), but no processor. The paper gives no times for either. BM25 is the real one.
"""

from __future__ import annotations

import asyncio

from alto_streams.context import Context
from schemas.hits_pb2 import Hits
from schemas.query_pb2 import Query
from schemas.query_vectors_pb2 import QueryVectors
from schemas.ranked_passages_pb2 import RankedPassage, RankedPassages

ENCODE_S = 0.0087
RERANK_S = 0.0026
KEEP = 5


class EncodeQuery:
    """A vector of one number for each word."""

    def __init__(self, seconds: float = ENCODE_S) -> None:
        self._seconds = seconds

    async def __call__(self, query: Query, ctx: Context) -> QueryVectors:
        if self._seconds:
            await asyncio.sleep(self._seconds)
        tokens = len(query.text.split())
        return QueryVectors(tokens=tokens, dimensions=1, values=b"\0\0\0\0" * tokens)


class Rerank:
    """BM25's own ranking."""

    def __init__(self, seconds: float = RERANK_S) -> None:
        self._seconds = seconds

    async def __call__(self, hits: Hits, vectors: QueryVectors, ctx: Context) -> RankedPassages:
        if self._seconds:
            await asyncio.sleep(self._seconds)
        said = f"Emulated: {hits.query}."
        return RankedPassages(
            passages=[
                RankedPassage(passage=hit.passage, title=f"Emulated {hit.passage}", text=said, bm25=hit.score)
                for hit in hits.hits[:KEEP]
            ]
        )
