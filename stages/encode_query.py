"""Encodes a search query as one embedding a token, for late interaction."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from alto_streams.context import Context
from schemas.query_pb2 import Query
from schemas.query_vectors_pb2 import QueryVectors

if TYPE_CHECKING:
    from stages.retrieval.encoder import Encoder


class EncodeQuery:
    """5-10 ms a query on one thread."""

    def __init__(self) -> None:
        self._encoder: Encoder

    def open(self) -> None:
        """Loads the model (1 s)."""
        from stages.retrieval.encoder import open_encoder

        self._encoder = open_encoder()

    async def __call__(self, query: Query, ctx: Context) -> QueryVectors:
        [vectors] = await asyncio.to_thread(self._encoder.encode, [query.text])
        tokens, dimensions = vectors.shape
        return QueryVectors(tokens=tokens, dimensions=dimensions, values=vectors.astype("<f4").tobytes())
