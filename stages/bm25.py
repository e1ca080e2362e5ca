"""Scores the corpus against a search query, word by word while the query is being written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.hits_pb2 import Hit, Hits
from schemas.query_token_pb2 import QueryToken

if TYPE_CHECKING:
    from stages.retrieval.index import Index, Scorer


@dataclass
class OpenQuery:
    """A query whose words are still coming: 8 bytes for each passage of the corpus, 80 kB for the demo's."""

    scorer: Scorer
    words: list[str] = field(default_factory=list)


class Bm25:
    """Exact BM25 as an aggregation: scores, and so the hits, do not depend on the order in which the words come."""

    def __init__(self, top: int = 32) -> None:
        self._top = top
        self._index: Index

    def open(self) -> None:
        """Maps the index; builds it first where this machine has none (3 s)."""
        from stages.retrieval.corpus import open_corpus
        from stages.retrieval.index import open_index

        self._index = open_index(open_corpus())

    def initial(self) -> OpenQuery:
        return OpenQuery(self._index.scorer())

    def add(self, state: OpenQuery, item: QueryToken) -> OpenQuery:
        state.scorer.add(item.text)
        state.words.append(item.text)
        return state

    def merge(self, a: OpenQuery, b: OpenQuery) -> OpenQuery:
        a.scorer.merge(b.scorer)
        a.words.extend(b.words)
        return a

    def result(self, state: OpenQuery) -> Hits:
        hits = [Hit(passage=passage, score=score) for passage, score in state.scorer.top(self._top)]
        return Hits(query=" ".join(state.words), hits=hits)
