"""Fits the verdict to labelled claims: `python -m stages.calibration.fit --claims PATH --engine-name NAME`.

Takes the claims through the pipeline from query generation onward (kept under the cache folder: a second fit takes
seconds), fits two logistic regressions, says how good they are by cross-validation, and writes `parameters.json` and a
reliability curve. Needs scikit-learn (extra `dev`).

The labels say whether a claim is true. Which claims lack evidence they do not say, so those are made: each claim is
also seen without the passages that it was written from, and `enough` learns to tell that from the claim with them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.metrics import brier_score_loss, roc_auc_score  # type: ignore[import-untyped]
from sklearn.model_selection import StratifiedKFold, cross_val_predict  # type: ignore[import-untyped]
from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

from alto_streams.engines.openai import OpenAIEngine
from alto_streams.settings import settings
from stages.calibration.collect import Collected, collect, labelled
from stages.calibration.features import best_first, features
from stages.calibration.model import ANY, DEFAULT_ENGINE, OF_ENGINE, OF_GUESSES, PARAMETERS
from stages.calibration.reliability import draw
from stages.opinion import Opinion

REPEATS, FOLDS = 5, 5
BINS = 10
STRENGTH = 0.05  # scikit-learn's C on standardised features: strong shrinkage, as there are few claims
ENOUGH = (
    "coverage",
    "coverage_all",
    "coverage_sentence",
    "names_missing_everywhere",
    "about",
    "late_interaction",
    "bm25",
)
KEPT_WITH_EVIDENCE = 0.9  # the part of the claims with their evidence that `enough` should let through
CURVE = Path("docs/images")

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Weights for the features as they are, and every claim's probability from models that had not seen it."""

    bias: float
    weights: dict[str, float]
    held_out: Matrix  # [repeats, claims]

    def figures(self, labels: NDArray[np.bool_]) -> dict[str, float]:
        """Means over the repetitions of the cross-validation."""
        return {
            "accuracy": float(np.mean([((p >= 0.5) == labels).mean() for p in self.held_out])),
            "auc": float(np.mean([roc_auc_score(labels, p) for p in self.held_out])),
            "brier": float(np.mean([brier_score_loss(labels, p) for p in self.held_out])),
            "ece": float(np.mean([calibration_error(p, labels) for p in self.held_out])),
        }


def fit(
    rows: Sequence[Mapping[str, float]], labels: NDArray[np.bool_], names: Sequence[str], groups: int = 1
) -> Fitted:
    """Logistic regression on the named features. `groups` equal runs of rows are about the same claims: a claim's rows
    are kept in one fold."""
    x = np.array([[row[name] for name in names] for row in rows], dtype=np.float64)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=1000))
    held_out = [_held_out(model, x, labels, groups, seed) for seed in range(REPEATS)]
    model.fit(x, labels)
    scaler, logistic = model[0], model[1]
    weights = logistic.coef_[0] / scaler.scale_
    bias = float(logistic.intercept_[0] - weights @ scaler.mean_)
    return Fitted(bias, {name: float(w) for name, w in zip(names, weights, strict=True)}, np.array(held_out))


def _held_out(model: Any, x: Matrix, labels: NDArray[np.bool_], groups: int, seed: int) -> Matrix:
    claims = len(labels) // groups
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(np.zeros(claims), labels[:claims])
    splits = [tuple(np.concatenate([part + g * claims for g in range(groups)]) for part in fold) for fold in folds]
    predicted: Matrix = cross_val_predict(model, x, labels, cv=splits, method="predict_proba")[:, 1]
    return predicted


def calibration_error(probabilities: Matrix, labels: NDArray[np.bool_]) -> float:
    """Expected calibration error: |mean probability - part that is true| over ten equal bins, weighted by size."""
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    gaps = [
        (bins == b).mean() * abs(probabilities[bins == b].mean() - labels[bins == b].mean()) for b in set(bins.tolist())
    ]
    return float(sum(gaps))


def fit_engine(claims: Sequence[Collected], without: Sequence[str]) -> tuple[dict[str, Any], Fitted, Fitted]:
    """One engine's parameters, and the two fits they come from."""
    labels = np.array([one.label for one in claims])
    seen = [features(one.claim, best_first(one.claim, one.passages), one.opinion) for one in claims]
    supported = fit(seen, labels, [name for name in seen[0] if name not in without])

    has_gold = np.array([any(p.title in one.evidence_titles for p in one.passages) for one in claims])
    bare = [
        features(
            one.claim, best_first(one.claim, [p for p in one.passages if p.title not in one.evidence_titles]), Opinion()
        )
        for one, gold in zip(claims, has_gold, strict=True)
        if gold
    ]
    told = [row for row, gold in zip(seen, has_gold, strict=True) if gold]
    there = np.array([True] * len(told) + [False] * len(bare))
    enough = fit([*told, *bare], there, ENOUGH, groups=2)
    threshold = float(np.quantile(enough.held_out.mean(axis=0)[there], 1 - KEPT_WITH_EVIDENCE))
    parameters = {
        "supported": {"bias": supported.bias, "weights": supported.weights},
        "enough": {"bias": enough.bias, "weights": enough.weights, "threshold": threshold},
        "claims": len(claims),
        "cross_validation": {name: round(value, 4) for name, value in supported.figures(labels).items()},
    }
    return parameters, supported, enough


def three_way(claims: Sequence[Collected], parameters: Mapping[str, Any], score: Matrix, enough: Matrix) -> Table:
    """Verdicts against labels. No label is "not enough evidence": that column is what the rule withholds."""
    table = Table("label", "supported", "refuted", "not enough evidence", title="Verdicts, cross-validated")
    withheld = enough < parameters["enough"]["threshold"]
    labels = np.array([one.label for one in claims])
    for label in (True, False):
        mine = labels == label
        table.add_row(
            str(label).lower(),
            str(int((mine & ~withheld & (score >= 0.5)).sum())),
            str(int((mine & ~withheld & (score < 0.5)).sum())),
            str(int((mine & withheld).sum())),
        )
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    console = Console()
    kept = options.kept or settings().cache / "calibration" / f"{options.engine_name}.jsonl"
    rows = labelled(options.claims)
    with Progress(console=console) as progress:
        bar = progress.add_task(f"claims through the pipeline ({options.engine_name})", total=len(rows))
        results = asyncio.run(
            _collect(
                rows, options.engine_url, kept, not options.no_guesses, lambda n: progress.update(bar, completed=n)
            )
        )
    claims = [results[row["id"]] for row in rows if row["id"] in results]
    without = OF_ENGINE if options.engine_name == ANY else OF_GUESSES if options.no_guesses else ()
    parameters, supported, enough = fit_engine(claims, without)

    labels = np.array([one.label for one in claims])
    figures = Table("claims", *parameters["cross_validation"], title=f"{options.engine_name}: {REPEATS} x {FOLDS}-fold")
    figures.add_row(str(len(claims)), *(f"{value:.3f}" for value in parameters["cross_validation"].values()))
    console.print(figures)
    seen = [features(one.claim, best_first(one.claim, one.passages), one.opinion) for one in claims]
    x = np.array([[row[name] for name in ENOUGH] for row in seen])
    has_enough = 1 / (1 + np.exp(-(enough.bias + x @ np.array([enough.weights[name] for name in ENOUGH]))))
    score = supported.held_out.mean(axis=0)
    console.print(three_way(claims, parameters, score, has_enough))
    write(options.parameters, options.engine_name, parameters)
    curve = options.curve / f"reliability-{options.engine_name}.svg"
    curve.parent.mkdir(parents=True, exist_ok=True)
    curve.write_text(draw(score.tolist(), labels.tolist(), f"{options.engine_name}, {len(claims)} claims"))
    console.print(f"wrote {options.parameters} and {curve}")


def write(path: Path, engine: str, parameters: Mapping[str, Any]) -> None:
    """Adds or replaces one engine's set."""
    whole = json.loads(path.read_text()) if path.exists() else {"engines": {}}
    whole["engines"][engine] = parameters
    path.write_text(json.dumps(_rounded(whole), indent=1, sort_keys=True) + "\n")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 5) if isinstance(value, float) else value


async def _collect(rows: Any, url: str, kept: Path, guess: bool, progress: Any) -> dict[str, Collected]:
    engine = OpenAIEngine(url)
    try:
        return await collect(rows, engine, kept, guess, progress)
    finally:
        await engine.close()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stages.calibration.fit", description=__doc__)
    parser.add_argument("--claims", type=Path, required=True, help="labelled claims (.jsonl)")
    parser.add_argument(
        "--engine-name", default=DEFAULT_ENGINE, help=f"the set to write; `{ANY}` uses no engine's odds"
    )
    parser.add_argument(
        "--engine-url", default=settings().engine_url, help="where the engine is served (ALTO_ENGINE_URL)"
    )
    parser.add_argument(
        "--no-guesses", action="store_true", help="ask the engine for Yes or No only: nine times as fast"
    )
    parser.add_argument("--kept", type=Path, help="where raw results are kept (default: under ALTO_CACHE)")
    parser.add_argument("--parameters", type=Path, default=PARAMETERS)
    parser.add_argument("--curve", type=Path, default=CURVE, help="folder of the reliability curve")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=FutureWarning)
    main()
