"""Folds the ranked passages of a claim's queries into the few that the claim is judged by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import fsum

from schemas.ranked_passages_pb2 import RankedPassage, RankedPassages

KEEP = 5
DAMPING = 2.0  # a first place is worth 1/2, a second 1/3; chosen on FEVER dev claims


@dataclass(frozen=True, slots=True)
class Candidate:
    """One passage: its place in each query's ranking, and what the queries together say of it."""

    title: str
    text: str  # of the query with the highest late interaction, whose excerpt fits the claim best
    bm25: float
    late_interaction: float
    weakest: float  # over the words of all its queries
    places: tuple[int, ...]

    def and_also(self, other: Candidate) -> Candidate:
        better = max(self, other, key=lambda one: (one.late_interaction, one.title, one.text))
        return replace(
            better,
            bm25=max(self.bm25, other.bm25),
            weakest=min(self.weakest, other.weakest),
            places=tuple(sorted((*self.places, *other.places))),
        )

    @property
    def fused(self) -> float:
        """Reciprocal rank fusion (Cormack, Clarke, Büttcher, SIGIR 2009); fsum is exact, so order cannot matter."""
        return fsum(1 / (DAMPING + place) for place in self.places)


class BestEvidence:
    """The five passages that rank best over all queries, best first, each once, whatever the order of the queries."""

    def initial(self) -> dict[int, Candidate]:
        return {}

    def add(self, state: dict[int, Candidate], item: RankedPassages) -> dict[int, Candidate]:
        # + 0.0 makes one zero of two: which of -0.0 and 0.0 a maximum takes depends on the order.
        found = {
            one.passage: Candidate(
                one.title, one.text, one.bm25 + 0.0, one.late_interaction + 0.0, one.weakest + 0.0, (place,)
            )
            for place, one in reversed(list(enumerate(item.passages)))
        }
        return self.merge(state, found)

    def merge(self, a: dict[int, Candidate], b: dict[int, Candidate]) -> dict[int, Candidate]:
        for passage, one in b.items():
            known = a.get(passage)
            a[passage] = known.and_also(one) if known else one
        return a

    def result(self, state: dict[int, Candidate]) -> RankedPassages:
        best = sorted(state.items(), key=lambda item: (-item[1].fused, -item[1].late_interaction, item[0]))
        return RankedPassages(
            passages=[
                RankedPassage(
                    passage=passage,
                    title=one.title,
                    text=one.text,
                    bm25=one.bm25,
                    late_interaction=one.late_interaction,
                    weakest=one.weakest,
                )
                for passage, one in best[:KEEP]
            ]
        )
