"""Fits a verdict to what was collected of labelled claims, and says by cross-validation how good it is.

The labels say whether a claim is true. Which claims lack evidence they do not say, so those are made: each claim is
also seen without the passages that it was written from. `enough` learns to tell the two apart; `supported` learns
from both, each feature weighed by `enough`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.metrics import brier_score_loss, roc_auc_score  # type: ignore[import-untyped]
from sklearn.model_selection import StratifiedKFold  # type: ignore[import-untyped]

from stages.calibration.collect import Collected
from stages.calibration.features import best_first, features
from stages.calibration.model import GATE, Calibration, Logistic, gated
from stages.opinion import Opinion

REPEATS, FOLDS, INNER_FOLDS = 5, 5, 4
BINS = 10
CORE = (
    "margin",
    "weakest",
    "weakest_of_two",
    "coverage_all",
    "negated",
    "exclusive",
    "only",
    "failing",
    "is_a",
)
WIDE = (
    *CORE,
    "late_interaction",
    "late_interaction_of_two",
    "coverage",
    "names_missing",
    "names_missing_everywhere",
    "numbers_missing",
    "length",
)
RARE = ("negated", "exclusive", "only", "failing")
RARE_SCALE = 0.5  # instead of their standard deviation, about 0.2
# An inner cross-validation chooses one list, and one C of scikit-learn's, for standardised features.
LISTS = (CORE, WIDE)
STRENGTHS = (0.03, 0.1, 0.3, 1.0)
ENOUGH_STRENGTH = 0.1
ENOUGH = ("about", "subject", "late_interaction", "weakest", "bm25", "coverage", "coverage_all")
BARE_WEIGHT = 0.25  # so that claims without evidence weigh a fifth: about as many as the retriever finds none for

Row = dict[str, float]
Labels = NDArray[np.bool_]
Matrix = NDArray[np.float64]
Indexes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Examples:
    """Each claim's features with all its passages, and without those that it was written from."""

    labels: Labels
    seen: list[Row]
    bare: list[Row]
    has_gold: Labels

    @classmethod
    def of(cls, claims: Sequence[Collected]) -> Examples:
        return cls(
            np.array([one.label for one in claims]),
            [features(one.claim, best_first(one.claim, one.passages), one.opinion) for one in claims],
            [features(one.claim, best_first(one.claim, one.without_gold()), Opinion()) for one in claims],
            np.array([len(one.without_gold()) < len(one.passages) for one in claims]),
        )


@dataclass(frozen=True, slots=True)
class Table:
    """What `supported` learns from: some of the features, gated."""

    names: Sequence[str]
    seen: Matrix
    bare: Matrix
    labels: Labels
    has_gold: Labels

    def fitted(self, inside: Labels, strength: float) -> Logistic:
        """To some of the claims."""
        twice = inside & self.has_gold
        return logistic(
            np.vstack([self.seen[inside], self.bare[twice]]),
            np.concatenate([self.labels[inside], self.labels[twice]]),
            self.names,
            strength,
            np.repeat([1.0, BARE_WEIGHT], [inside.sum(), twice.sum()]),
        )

    def loss(self, strength: float) -> float:
        """The log loss of an inner cross-validation."""
        found = []
        for _, rest in StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=0).split(self.labels, self.labels):
            inside = np.ones(len(self.labels), dtype=bool)
            inside[rest] = False
            model = self.fitted(inside, strength)
            z = model.bias + self.seen[rest] @ np.array([model.weights[name] for name in self.names])
            found.append(np.logaddexp(0, np.where(self.labels[rest], -z, z)).mean())
        return float(np.mean(found))


def train(examples: Examples, chosen: Indexes, without: Collection[str] = ()) -> Calibration:
    """The verdict that the chosen claims teach."""
    labels, has_gold = examples.labels[chosen], examples.has_gold[chosen]
    seen, bare = [examples.seen[i] for i in chosen], [examples.bare[i] for i in chosen]
    enough = logistic(
        _matrix([*_of(seen, has_gold), *_of(bare, has_gold)], ENOUGH),
        np.repeat([True, False], has_gold.sum()),
        ENOUGH,
        ENOUGH_STRENGTH,
    )
    seen, bare = ([gated(row, enough.probability(row)) for row in rows] for rows in (seen, bare))
    lists = [[GATE, *(name for name in names if name not in without)] for names in LISTS]
    tables = [Table(names, _matrix(seen, names), _matrix(bare, names), labels, has_gold) for names in lists]
    table, strength = min(product(tables, STRENGTHS), key=lambda choice: choice[0].loss(choice[1]))
    return Calibration(table.fitted(np.ones(len(labels), dtype=bool), strength), enough)


def held_out(examples: Examples, without: Collection[str] = (), repeats: int = REPEATS) -> Matrix:
    """[repeats, claims]: every claim's probability by a verdict that was taught without it."""
    found = np.zeros((repeats, len(examples.labels)))
    for seed in range(repeats):
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        for inside, rest in folds.split(examples.labels, examples.labels):
            fitted = train(examples, inside, without)
            found[seed, rest] = [fitted.probability(examples.seen[i]) for i in rest]
    return found


def figures(probabilities: Matrix, labels: Labels) -> dict[str, float]:
    """Means over the repetitions of the cross-validation."""
    return {
        "accuracy": float(np.mean([((p >= 0.5) == labels).mean() for p in probabilities])),
        "auc": float(np.mean([roc_auc_score(labels, p) for p in probabilities])),
        "brier": float(np.mean([brier_score_loss(labels, p) for p in probabilities])),
        "ece": float(np.mean([calibration_error(p, labels) for p in probabilities])),
    }


def calibration_error(probabilities: Matrix, labels: Labels) -> float:
    """Expected calibration error: |mean probability - part that is true| over ten equal bins, weighted by size."""
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    gaps = [
        (bins == b).mean() * abs(probabilities[bins == b].mean() - labels[bins == b].mean()) for b in set(bins.tolist())
    ]
    return float(sum(gaps))


def logistic(
    x: Matrix, labels: Labels, names: Sequence[str], strength: float, weights: Matrix | None = None
) -> Logistic:
    """Weights for the features as they are, though the shrinkage is of standardised ones, but for the rare: a word that
    all of its few claims have in error would otherwise settle any claim."""
    scale = np.where(np.isin(names, RARE), RARE_SCALE, np.maximum(x.std(axis=0), np.finfo(np.float64).eps))
    model = LogisticRegression(C=strength, max_iter=1000).fit((x - x.mean(axis=0)) / scale, labels, weights)
    found = model.coef_[0] / scale
    bias = float(model.intercept_[0] - found @ x.mean(axis=0))
    return Logistic(bias, {name: float(weight) for name, weight in zip(names, found, strict=True)})


def _matrix(rows: Sequence[Row], names: Sequence[str]) -> Matrix:
    return np.array([[row[name] for name in names] for row in rows], dtype=np.float64)


def _of(rows: Sequence[Row], chosen: Labels) -> list[Row]:
    return [row for row, mine in zip(rows, chosen, strict=True) if mine]
