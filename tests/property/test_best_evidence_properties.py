"""The evidence of a claim does not depend on the order, or the grouping, in which its queries' passages arrive."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.ranked_passages_pb2 import RankedPassage, RankedPassages
from stages.best_evidence import KEEP, BestEvidence

SCORES = st.floats(-1, 1, width=32)
PASSAGES = st.builds(
    RankedPassage,
    passage=st.integers(0, 9),
    title=st.sampled_from(["a", "b"]),
    text=st.sampled_from(["x", "y", "z"]),
    bm25=SCORES,
    late_interaction=SCORES,
    weakest=SCORES,
)
RANKINGS = st.lists(
    st.lists(PASSAGES, max_size=6, unique_by=lambda one: one.passage).map(lambda p: RankedPassages(passages=p)),
    max_size=6,
)


def folded(rankings: list[RankedPassages]) -> RankedPassages:
    operator = BestEvidence()
    state = operator.initial()
    for ranking in rankings:
        state = operator.add(state, ranking)
    return operator.result(state)


@given(st.data(), RANKINGS)
def test_any_order(data: st.DataObject, rankings: list[RankedPassages]) -> None:
    assert folded(data.draw(st.permutations(rankings))) == folded(rankings)


@given(RANKINGS, st.integers(0, 6))
def test_merging_two_parts_is_adding_them_all(rankings: list[RankedPassages], at: int) -> None:
    operator = BestEvidence()
    parts = []
    for part in (rankings[:at], rankings[at:]):
        state = operator.initial()
        for ranking in part:
            state = operator.add(state, ranking)
        parts.append(state)
    assert operator.result(operator.merge(*parts)) == folded(rankings)


@given(RANKINGS)
def test_each_passage_once_and_few(rankings: list[RankedPassages]) -> None:
    kept = [one.passage for one in folded(rankings).passages]
    assert len(kept) == len(set(kept)) <= KEEP
    assert set(kept) <= {one.passage for ranking in rankings for one in ranking.passages}


@given(RANKINGS)
def test_scores_are_the_best_of_any_query_and_the_weakest_word_is_of_all(rankings: list[RankedPassages]) -> None:
    given_scores = [one for ranking in rankings for one in ranking.passages]
    for kept in folded(rankings).passages:
        same = [one for one in given_scores if one.passage == kept.passage]
        assert kept.bm25 == max(one.bm25 for one in same)
        assert kept.late_interaction == max(one.late_interaction for one in same)
        assert kept.weakest == min(one.weakest for one in same)


def test_what_several_queries_find_comes_first() -> None:
    def ranking(*passages: int) -> RankedPassages:
        return RankedPassages(passages=[RankedPassage(passage=p, late_interaction=0.5) for p in passages])

    assert folded([ranking(1, 2), ranking(3, 2), ranking(4, 2)]).passages[0].passage == 2
