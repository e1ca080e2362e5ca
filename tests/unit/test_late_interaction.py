"""MaxSim against its definition, the compact form, the excerpt, and both keepers of embeddings."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stages.retrieval.embedding_store import EmbeddingStore
from stages.retrieval.excerpt import excerpt
from stages.retrieval.late_interaction import CompactEmbeddings, max_sim
from stages.retrieval.passage_cache import PassageCache


def embeddings(tokens: int, dimensions: int = 16, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(tokens, dimensions)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def naive_max_sim(query: NDArray[np.float32], passage: NDArray[np.float32]) -> float:
    best: list[float] = []
    for wanted in query.tolist():
        best.append(max(sum(a * b for a, b in zip(wanted, row, strict=True)) for row in passage.tolist()))
    return sum(best) / len(best)


@pytest.mark.parametrize(("query_tokens", "passage_tokens"), [(1, 1), (1, 9), (7, 1), (5, 40)])
def test_max_sim_is_its_definition(query_tokens: int, passage_tokens: int) -> None:
    query, passage = embeddings(query_tokens, seed=1), embeddings(passage_tokens, seed=2)
    expected = naive_max_sim(query, passage)
    assert max_sim(query @ passage.T) == pytest.approx(expected, abs=1e-6)
    assert max_sim(CompactEmbeddings.of(passage).similarities(query)) == pytest.approx(expected, abs=0.01)


def test_a_passage_that_holds_the_query_scores_one() -> None:
    query = embeddings(4, seed=3)
    passage = np.vstack([embeddings(10, seed=4), query])
    assert max_sim(query @ passage.T) == pytest.approx(1.0, abs=1e-6)


def test_compact_form_takes_a_byte_a_dimension_and_bears_zero_rows() -> None:
    compact = CompactEmbeddings.of(np.zeros((3, 8), dtype=np.float32))
    assert compact.nbytes == 3 * 8 + 3 * 4
    assert not compact.similarities(np.ones((2, 8), dtype=np.float32)).any()


def test_cache_drops_the_least_recently_used_and_keeps_its_bound() -> None:
    one = CompactEmbeddings.of(embeddings(10))
    cache = PassageCache(limit=3 * one.nbytes)
    for passage in (1, 2, 3):
        cache.put(passage, one)
    assert cache.get(1) is one  # so 2 is the oldest now
    cache.put(4, one)
    assert [passage for passage in (1, 2, 3, 4) if cache.get(passage) is not None] == [1, 3, 4]
    cache.put(4, one)
    assert cache.held == sum(one.nbytes for _ in range(len(cache))) == 3 * one.nbytes


def test_cache_never_holds_more_than_its_bound() -> None:
    rng = np.random.default_rng(0)
    cache = PassageCache(limit=2000)
    for _ in range(500):
        cache.put(int(rng.integers(30)), CompactEmbeddings.of(embeddings(int(rng.integers(1, 60)))))
        assert cache.held <= 2000
    assert len(cache) > 0
    cache.put(99, CompactEmbeddings.of(embeddings(1000)))
    assert cache.get(99) is None


def test_store_gives_back_what_it_was_given(tmp_path: Path) -> None:
    entry = CompactEmbeddings.of(embeddings(12))
    EmbeddingStore(tmp_path / "store", limit=1 << 20, dimensions=16).put(7, entry)
    found = EmbeddingStore(tmp_path / "store", limit=1 << 20, dimensions=16).get(7)
    assert found is not None
    np.testing.assert_array_equal(found.codes, entry.codes)
    np.testing.assert_array_equal(found.scales, entry.scales)


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"", lambda data: b"\1" + data[1:]])
def test_store_takes_damaged_files_for_missing(tmp_path: Path, damage: object) -> None:
    store = EmbeddingStore(tmp_path, limit=1 << 20, dimensions=16)
    store.put(7, CompactEmbeddings.of(embeddings(12)))
    [file] = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))  # type: ignore[operator]
    assert store.get(7) is None


def test_full_or_unusable_store_takes_no_more_and_does_not_fail(tmp_path: Path) -> None:
    entry = CompactEmbeddings.of(embeddings(12))
    EmbeddingStore(tmp_path, limit=1 << 20, dimensions=16).put(1, entry)
    EmbeddingStore(tmp_path, limit=entry.nbytes, dimensions=16).put(2, entry)
    assert [file.name for file in tmp_path.iterdir()] == ["1.emb"]
    (tmp_path / "a-file").write_text("")
    unusable = EmbeddingStore(tmp_path / "a-file", limit=1 << 20, dimensions=16)
    unusable.put(1, entry)
    assert unusable.get(1) is None


SENTENCES = ("Rome is old.", "Its river is the Tiber.", "Paris is large.", "Its river is the Seine.")


def columns(text: str) -> list[tuple[int, int]]:
    """One token a word, as (start, end)."""
    spans, at = [(0, 0)], 0
    for word in text.split():
        start = text.index(word, at)
        at = start + len(word)
        spans.append((start, at))
    return spans


@pytest.mark.parametrize(("word", "expected"), [("Tiber.", SENTENCES[:2]), ("Seine.", SENTENCES[2:])])
def test_excerpt_is_the_run_of_sentences_that_answers_best(word: str, expected: tuple[str, ...]) -> None:
    text = " ".join(SENTENCES)
    spans = columns(text)
    similarities = np.array([[1.0 if text[start:end] == word else 0.1 for start, end in spans]], dtype=np.float32)
    assert excerpt(text, similarities, spans, limit=40) == " ".join(expected)
    assert excerpt(text, similarities, spans, limit=len(text)) == text


def test_excerpt_cuts_a_sentence_that_is_too_long_at_a_word() -> None:
    text = "word " * 50 + "end."
    shown = excerpt(text, np.ones((1, 51), dtype=np.float32), columns(text)[1:], limit=23)
    assert shown == "word word word word\u2026"
    assert excerpt(text, np.zeros((1, 0), dtype=np.float32), [], limit=23) == shown
