"""What the verdict is computed from: numbers read off a claim, its evidence and the language model's probabilities.

Pure and plain: no numpy, no model, about 1 ms a claim. Every feature is a float of the order of one, so that a fitted
weight can be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from stages.opinion import Opinion
from stages.retrieval.analyzer import analyze
from stages.wording import NEGATIONS, content_words, names, numbers, word_set, words

# Words by which a claim excludes or generalises: rarely what a reference work says.
EXCLUSIVE = word_set("only exclusively solely entirely completely always all every any nothing nobody zero")
FAILING = word_set(
    "incapable unable failed fails refused refuses lacks lacked avoided avoids stopped prevented forgot barely rarely"
)
_IS_A = {(verb, article) for verb in ("is", "was", "are", "were") for article in ("a", "an")}


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of evidence."""

    title: str
    text: str
    bm25: float
    late_interaction: float
    weakest: float = 0.0


def coverage(claim: str, passage: Passage) -> float:
    """The part of the claim's words, by stem, that the passage has, from 0 to 1."""
    wanted = set(analyze(claim))
    return _part(wanted, set(analyze(f"{passage.title} {passage.text}")))


def best_first(claim: str, passages: Sequence[Passage]) -> list[Passage]:
    """The passages in the order in which they speak of the claim: its words, the title's subject, the retriever's view.

    A title that the claim begins with is most likely the page of its subject. The given order (the retriever's) decides
    between equals.
    """
    stems = analyze(claim)
    wanted = set(stems)

    def fit(place: int, passage: Passage) -> float:
        title = analyze(passage.title)
        about = _part(set(title), wanted)
        subject = 0.5 if title and stems[: len(title)] == title else 0.0
        return coverage(claim, passage) + 0.5 * about + subject + passage.late_interaction + 0.5 / (1 + place)

    ranked = sorted(enumerate(passages), key=lambda item: (-fit(*item), item[0]))
    return [passage for _, passage in ranked]


def features(claim: str, passages: Sequence[Passage], held: Opinion) -> dict[str, float]:
    """All features by name. `passages` are as `best_first` gives them; none at all is allowed."""
    stems = analyze(claim)
    wanted = set(stems)
    best = passages[0] if passages else Passage("", "", 0.0, 0.0, 0.0)
    text = f"{best.title} {best.text}"
    found = set(analyze(text))
    everything = set(analyze(" ".join(f"{one.title} {one.text}" for one in passages)))
    in_title = analyze(best.title)
    title = set(in_title)
    spoken = words(claim)
    claimed = set(spoken)
    name_stems = set(analyze(" ".join(names(claim)))) - title
    return {
        "margin": _clip(held.margin / 4, 2),
        "late_interaction": best.late_interaction,
        "late_interaction_of_two": max((one.late_interaction for one in passages[:2]), default=0.0),
        "weakest": best.weakest,
        "weakest_of_two": max((one.weakest for one in passages[:2]), default=0.0),
        "bm25": _clip(best.bm25 / 20, 2),
        "about": _part(title, wanted),
        "subject": float(bool(in_title) and stems[: len(in_title)] == in_title),
        "coverage": _part(wanted, found),
        "coverage_all": _part(wanted, everything),
        "names_missing": min(2.0, float(len(name_stems - found))) / 2,
        "names_missing_everywhere": min(2.0, float(len(name_stems - everything))) / 2,
        "numbers_missing": float(bool(set(numbers(claim)) - set(numbers(text)))),
        "negated": float(bool(claimed & NEGATIONS) or "n't" in claim),
        "exclusive": float(bool(claimed & EXCLUSIVE)),
        "only": float("only" in claimed),
        "failing": float(bool(claimed & FAILING)),
        "is_a": float(any(pair in _IS_A for pair in pairwise(spoken))),
        "length": _clip(len(content_words(claim)) / 10, 2),
    }


def _part(wanted: set[str], found: set[str]) -> float:
    return len(wanted & found) / len(wanted) if wanted else 0.0


def _clip(value: float, bound: float) -> float:
    return max(-bound, min(bound, value))
