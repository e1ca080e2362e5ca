"""The three retrieval stages, called as the runtime calls them, on the demo corpus and the real encoder."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from alto_streams.assets import asset
from alto_streams.context import Context
from alto_streams.errors import AssetError, InvalidInput
from schemas.hits_pb2 import Hits
from schemas.query_pb2 import Query
from schemas.query_token_pb2 import QueryToken
from schemas.query_vectors_pb2 import QueryVectors
from stages.bm25 import Bm25
from stages.encode_query import EncodeQuery
from stages.rerank import Rerank
from stages.retrieval.encoder import Encoder

QUERY = "a capital called Mogadishu"
CONTEXT = Context("q", "q", deadline=time.time() + 3600)


@pytest.fixture(scope="module")
def bm25() -> Bm25:
    stage = Bm25(top=20)
    stage.open()
    return stage


@pytest.fixture(scope="module")
def encode_query() -> EncodeQuery:
    stage = EncodeQuery()
    stage.open()
    return stage


@pytest.fixture(scope="module")
def rerank() -> Rerank:
    stage = Rerank(depth=10, keep=3)
    stage.open()
    return stage


def hits_of(bm25: Bm25, query: str) -> Hits:
    state = bm25.initial()
    for word in query.split():
        state = bm25.add(state, QueryToken(text=word))
    return bm25.result(state)


def test_bm25_finds_passages_word_by_word(bm25: Bm25, rerank: Rerank) -> None:
    hits = hits_of(bm25, QUERY)
    assert hits.query == QUERY
    assert len(hits.hits) == 20
    scores = [hit.score for hit in hits.hits]
    assert scores == sorted(scores, reverse=True)
    backwards = hits_of(bm25, " ".join(reversed(QUERY.split())))
    assert list(backwards.hits) == list(hits.hits)
    state = bm25.merge(
        bm25.add(bm25.initial(), QueryToken(text="capital")), bm25.add(bm25.initial(), QueryToken(text="Mogadishu"))
    )
    assert list(bm25.result(state).hits) == list(hits_of(bm25, "capital Mogadishu").hits)


def test_bm25_without_words_or_known_words_has_no_hits(bm25: Bm25) -> None:
    assert bm25.result(bm25.initial()) == Hits()
    assert hits_of(bm25, "the qzxv") == Hits(query="the qzxv")


async def test_query_vectors_are_unit_rows_without_padding(encode_query: EncodeQuery) -> None:
    short, long = await asyncio.gather(
        encode_query(Query(text="Rome"), CONTEXT), encode_query(Query(text=QUERY + " in Somalia" * 9), CONTEXT)
    )
    assert short.tokens == 3  # a mark, the word, a mark
    assert short.dimensions == 384
    assert long.tokens > 20
    rows = np.frombuffer(short.values, dtype="<f4").reshape(3, 384)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert short == await encode_query(Query(text="Rome"), CONTEXT)


async def test_rerank_gives_the_best_passages_with_text(bm25: Bm25, encode_query: EncodeQuery, rerank: Rerank) -> None:
    hits, vectors = hits_of(bm25, QUERY), await encode_query(Query(text=QUERY), CONTEXT)
    ranked = await rerank(hits, vectors, CONTEXT)
    assert [passage.title for passage in ranked.passages][:2] == ["Mogadishu", "Somalia"]
    assert len(ranked.passages) == 3
    first = {hit.passage: hit.score for hit in hits.hits[:10]}
    for passage in ranked.passages:
        assert first[passage.passage] == passage.bm25
        assert -1 <= passage.late_interaction <= 1
        assert 0 < len(passage.text) <= 600
    assert ranked == await rerank(hits, vectors, CONTEXT)


async def test_rerank_of_no_hits_is_empty(encode_query: EncodeQuery, rerank: Rerank) -> None:
    assert len((await rerank(Hits(), await encode_query(Query(text="x"), CONTEXT), CONTEXT)).passages) == 0


@pytest.mark.parametrize("vectors", [QueryVectors(), QueryVectors(tokens=2, dimensions=384, values=b"1234")])
async def test_rerank_refuses_vectors_that_are_none(bm25: Bm25, rerank: Rerank, vectors: QueryVectors) -> None:
    with pytest.raises(InvalidInput, match="rerank"):
        await rerank(hits_of(bm25, QUERY), vectors, CONTEXT)


def test_damaged_encoder_is_an_asset_error(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(asset("minilm-model").read_bytes()[:100_000])
    with pytest.raises(AssetError, match="Mend"):
        Encoder(model, asset("minilm-tokenizer"))


def test_importing_the_stages_imports_no_numpy_or_model() -> None:
    code = (
        "import sys, stages.bm25, stages.encode_query, stages.rerank; "
        "print(sorted({'numpy', 'onnxruntime', 'tokenizers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
