"""Reranks BM25's best passages by late interaction with the encoded query."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from alto_streams.context import Context
from alto_streams.errors import InvalidInput
from schemas.hits_pb2 import Hits
from schemas.query_vectors_pb2 import QueryVectors
from schemas.ranked_passages_pb2 import RankedPassage, RankedPassages

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stages.retrieval.reranker import Reranker


class Rerank:
    """Keeps the best `keep` of BM25's first `depth`; a passage that is not in the cache costs 25 ms.

    Depth 10 was chosen on the FEVER dev queries: twenty candidates add 0.005 of MRR@10 for twice the time.
    Embeddings are kept in `cache_bytes` of memory and `store_bytes` of disk.
    """

    def __init__(
        self, depth: int = 10, keep: int = 5, cache_bytes: int = 64 << 20, store_bytes: int = 512 << 20
    ) -> None:
        self._depth = depth
        self._keep = keep
        self._cache_bytes = cache_bytes
        self._store_bytes = store_bytes
        self._reranker: Reranker

    def open(self) -> None:
        """Maps the corpus and loads the model (1 s)."""
        from stages.retrieval.corpus import open_corpus
        from stages.retrieval.reranker import open_reranker

        self._reranker = open_reranker(open_corpus(), self._cache_bytes, self._store_bytes)

    async def __call__(self, hits: Hits, vectors: QueryVectors, ctx: Context) -> RankedPassages:
        query = _matrix(vectors)
        bm25 = {hit.passage: hit.score for hit in hits.hits[: self._depth]}
        candidates = {}
        for passage in bm25:  # one hop to a thread each, so that a cancelled question stops within a passage
            embeddings = self._reranker.cached(passage)
            if embeddings is None:
                embeddings = await asyncio.to_thread(self._reranker.embed, passage)
            candidates[passage] = embeddings
        result = RankedPassages()
        for ranked in self._reranker.rank(query, candidates)[: self._keep]:
            embeddings = candidates[ranked.passage]
            shown = self._reranker.excerpt(ranked.passage, query, embeddings)
            result.passages.append(
                RankedPassage(
                    passage=ranked.passage,
                    title=shown.title,
                    text=shown.text,
                    bm25=bm25[ranked.passage],
                    late_interaction=ranked.max_sim,
                    weakest=_weakest(embeddings.similarities(query)),
                )
            )
        return result


def _weakest(similarities: NDArray[np.float32]) -> float:
    """What the passage answers worst. The encoder's first and last mark stand for no word."""
    inner = similarities[1:-1, 1:-1]
    return float(inner.max(axis=1).min()) if inner.size else 0.0


def _matrix(vectors: QueryVectors) -> NDArray[np.float32]:
    import numpy as np

    if vectors.tokens == 0 or len(vectors.values) != 4 * vectors.tokens * vectors.dimensions:
        raise InvalidInput(
            "invalid_query_vectors",
            f"Stage 'rerank' got {len(vectors.values)} bytes for {vectors.tokens} x {vectors.dimensions} float32.",
            "send tokens x dimensions little-endian float32 values, at least one token",
        )
    return np.frombuffer(vectors.values, dtype="<f4").reshape(vectors.tokens, vectors.dimensions)
