"""What the verdict is computed from: numbers read off a claim, its evidence and the language model's probabilities.

Pure and plain: no numpy, no model, about 1 ms a claim. Every feature is a float of the order of one, so that a fitted
weight can be read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stages.opinion import Opinion
from stages.retrieval.analyzer import analyze
from stages.wording import NEGATIONS, content_words, names, numbers, word_set, words

# Words by which a claim excludes or generalises: rarely what a reference work says.
EXCLUSIVE = word_set("only exclusively solely entirely completely always all every any nothing nobody zero")
FAILING = word_set(
    "incapable unable failed fails refused refuses lacks lacked avoided avoids stopped prevented forgot barely rarely"
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"\u201c])")


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of evidence."""

    title: str
    text: str
    bm25: float
    late_interaction: float


def coverage(claim: str, passage: Passage) -> float:
    """The part of the claim's words, by stem, that the passage has, from 0 to 1."""
    wanted = set(analyze(claim))
    return _part(wanted, set(analyze(f"{passage.title} {passage.text}")))


def best_first(claim: str, passages: Sequence[Passage]) -> list[Passage]:
    """The passages in the order in which they speak of the claim: its words, the title's subject, the retriever's view.

    The given order (the retriever's) decides between equals.
    """
    wanted = set(analyze(claim))

    def fit(place: int, passage: Passage) -> float:
        about = _part(set(analyze(passage.title)), wanted)
        return coverage(claim, passage) + 0.5 * about + passage.late_interaction + 0.5 / (1 + place)

    ranked = sorted(enumerate(passages), key=lambda item: (-fit(*item), item[0]))
    return [passage for _, passage in ranked]


def features(claim: str, passages: Sequence[Passage], held: Opinion) -> dict[str, float]:
    """All features by name. `passages` are as `best_first` gives them; none at all is allowed."""
    stems = set(analyze(claim))
    best = passages[0] if passages else Passage("", "", 0.0, 0.0)
    text = f"{best.title} {best.text}"
    found = set(analyze(text))
    everything = set(analyze(" ".join(f"{one.title} {one.text}" for one in passages)))
    title = set(analyze(best.title))
    sentences = [set(analyze(one)) | title for one in _SENTENCE_END.split(best.text)]
    in_sentence = max((_part(stems, one) for one in sentences), default=0.0)
    spoken = words(claim)
    claimed = set(spoken)
    name_stems = set(analyze(" ".join(names(claim)))) - title
    other_stems = stems - name_stems - title
    wanted_numbers = set(numbers(claim))
    return {
        "margin": _clip(held.margin / 4, 2),
        "guess_mean": _mean(held.guesses) / 4,
        "guess_least": min(held.guesses, default=0.0) / 4,
        "gain_mean": _mean(held.gains) / 4,
        "gain_least": min(held.gains, default=0.0) / 4,
        "gain_last": (held.gains[-1] if held.gains else 0.0) / 4,
        "coverage": _part(stems, found),
        "coverage_sentence": in_sentence,
        "coverage_all": _part(stems, everything),
        "rest_missing": float(len(other_stems - found)) / 4,
        "names_missing": min(2.0, float(len(name_stems - found))) / 2,
        "names_missing_everywhere": min(2.0, float(len(name_stems - everything))) / 2,
        "numbers_missing": float(bool(wanted_numbers - set(numbers(text)))),
        "numbers_found": float(bool(wanted_numbers & set(numbers(text)))),
        "about": _part(title, stems),
        "late_interaction": best.late_interaction,
        "bm25": _clip(best.bm25 / 20, 2),
        "negated": float(bool(claimed & NEGATIONS) or "n't" in claim),
        "exclusive": float(bool(claimed & EXCLUSIVE)),
        "failing": float(bool(claimed & FAILING)),
        "length": _clip(len(content_words(claim)) / 10, 2),
    }


def _part(wanted: set[str], found: set[str]) -> float:
    return len(wanted & found) / len(wanted) if wanted else 0.0


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _clip(value: float, bound: float) -> float:
    return max(-bound, min(bound, value))
