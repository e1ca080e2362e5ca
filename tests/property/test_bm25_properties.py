"""Streaming BM25 equals the formula over the whole query, whatever the order of the words."""

import math
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.retrieval.analyzer import analyze
from stages.retrieval.corpus import Passage, build_corpus
from stages.retrieval.index import Index, build_index, index_terms, quantised_length

VOCABULARY = ["rome", "paris", "city", "cities", "river", "rivers'", "the", "U.S.", "3.14", "old", "zzz", "Łódź", "?"]
words = st.lists(st.sampled_from(VOCABULARY), max_size=12)
passages = st.lists(st.builds(lambda title, text: Passage(" ".join(title), " ".join(text)), words, words), min_size=1)
k1s, bs = st.floats(0.1, 3), st.floats(0, 1)


def index_of(corpus: list[Passage], k1: float = 1.2, b: float = 0.75, title_weight: int = 3) -> Index:
    with tempfile.TemporaryDirectory() as home:  # the maps stay readable after the files are gone
        return build_index(build_corpus(corpus, "corpus-x", Path(home)), Path(home), k1, b, title_weight)


def naive(corpus: list[Passage], query: str, k1: float, b: float, title_weight: int) -> list[tuple[int, float]]:
    documents = [Counter(index_terms(passage, title_weight)) for passage in corpus]
    lengths = [sum(document.values()) for document in documents]
    average = max(1.0, sum(lengths) / len(lengths))
    scores = [0.0] * len(corpus)
    for term in analyze(query):
        df = sum(term in document for document in documents)
        idf = math.log(1 + (len(documents) - df + 0.5) / (df + 0.5))
        for i, document in enumerate(documents):
            if not document[term]:  # which also spares an empty document under b = 1, whose norm is 0
                continue
            norm = k1 * (1 - b + b * quantised_length(lengths[i]) / average)
            scores[i] += idf * document[term] / (document[term] + norm)
    return [(i, score) for i, score in enumerate(scores) if score > 0]


@settings(deadline=None)
@given(passages, words, k1s, bs, st.integers(0, 3))
def test_words_one_by_one_equal_the_whole_query(
    corpus: list[Passage], query: list[str], k1: float, b: float, title_weight: int
) -> None:
    scorer = index_of(corpus, k1, b, title_weight).scorer()
    for word in query:
        scorer.add(word)
    expected = dict(naive(corpus, " ".join(query), k1, b, title_weight))
    found = scorer.top(len(corpus))
    assert dict(found) == pytest.approx(expected, abs=1e-5)
    assert found == sorted(found, key=lambda hit: (-hit[1], hit[0]))


@settings(deadline=None)
@given(passages, words.flatmap(lambda query: st.tuples(st.just(query), st.permutations(query))), st.integers(1, 5))
def test_order_and_cut_change_nothing_to_the_last_bit(
    corpus: list[Passage], queries: tuple[list[str], list[str]], k: int
) -> None:
    index = index_of(corpus)
    one, other, whole = index.scorer(), index.scorer(), index.scorer()
    for word in queries[0]:
        one.add(word)
    for word in queries[1]:
        other.add(word)
    whole.add("  ".join(queries[0]))
    assert one.top(k) == other.top(k) == whole.top(k)
    assert one.top(k) == one.top(len(corpus))[:k]


@settings(deadline=None)
@given(passages, words, words)
def test_merged_scorers_are_one_query(corpus: list[Passage], first: list[str], second: list[str]) -> None:
    index = index_of(corpus)
    a, b, whole = index.scorer(), index.scorer(), index.scorer()
    a.add(" ".join(first))
    b.add(" ".join(second))
    whole.add(" ".join(first + second))
    a.merge(b)
    assert a.top(10) == whole.top(10)


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 45))
def test_equal_scores_are_in_the_order_of_the_corpus(copies: int, k: int) -> None:
    scorer = index_of([Passage("", "rome")] * copies + [Passage("", "paris")]).scorer()
    scorer.add("rome")
    assert [passage for passage, _ in scorer.top(k)] == list(range(min(copies, k)))


@settings(deadline=None)
@given(st.text())
def test_terms_of_a_text_are_the_terms_of_its_words(text: str) -> None:
    assert analyze(text) == [term for word in text.split() for term in analyze(word)]
