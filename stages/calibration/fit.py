"""Fits the verdict to labelled claims: `python -m stages.calibration.fit --claims PATH --engine-name NAME`.

Takes the claims through the pipeline from query generation onward (kept under the cache folder: an interrupted run
goes on where it was, a second fit takes a minute), fits, and writes `parameters.json` and a reliability curve.
Needs scikit-learn (extra `dev`). docs/verdicts.md says what is fitted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import warnings
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from alto_streams.engines.openai import OpenAIEngine
from alto_streams.settings import settings
from schemas.verified_claim_pb2 import NOT_ENOUGH_EVIDENCE, REFUTED, SUPPORTED
from stages.calibration.collect import Collected, collect, labelled, read
from stages.calibration.model import ANY, DEFAULT_ENGINE, OF_ENGINE, PARAMETERS, verdict
from stages.calibration.reliability import draw
from stages.calibration.train import FOLDS, REPEATS, Examples, Matrix, figures, held_out, train

CURVE = Path("docs/images")


def fit_engine(claims: Sequence[Collected], without: Collection[str]) -> tuple[dict[str, Any], Matrix]:
    """One engine's parameters, and the held-out probabilities [repeats, claims]."""
    examples = Examples.of(claims)
    probabilities = held_out(examples, without)
    fitted = train(examples, np.arange(len(claims)), without)
    parameters = {
        "supported": {"bias": fitted.supported.bias, "weights": dict(fitted.supported.weights)},
        "enough": {"bias": fitted.enough.bias, "weights": dict(fitted.enough.weights)},
        "claims": len(claims),
        "cross_validation": figures(probabilities, examples.labels),
    }
    return parameters, probabilities


def three_way(labels: Sequence[bool], probabilities: Sequence[float]) -> dict[bool, dict[str, int]]:
    """How many claims of each label get each verdict."""
    columns = {"supported": SUPPORTED, "refuted": REFUTED, "not enough evidence": NOT_ENOUGH_EVIDENCE}
    found = [(label, verdict(p)) for label, p in zip(labels, probabilities, strict=True)]
    return {label: {name: found.count((label, one)) for name, one in columns.items()} for label in (True, False)}


def write(path: Path, engine: str, parameters: Mapping[str, Any]) -> None:
    """Adds or replaces one engine's set."""
    whole = json.loads(path.read_text()) if path.exists() else {"engines": {}}
    whole["engines"][engine] = parameters
    path.write_text(json.dumps(_rounded(whole), indent=1, sort_keys=True) + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    console = Console()
    name = options.engine_name
    kept = options.kept or settings().cache / "calibration" / f"{name}.jsonl"
    rows = labelled(options.claims)
    results = read(kept) if options.kept_only else _collected(rows, options.engine_url, kept, console)
    claims = [results[row["id"]] for row in rows if row["id"] in results]
    parameters, probabilities = fit_engine(claims, OF_ENGINE if name == ANY else ())

    labels = [one.label for one in claims]
    found = parameters["cross_validation"]
    always = max(np.mean(labels), 1 - np.mean(labels))
    table = Table("claims", "one answer for all", *found, title=f"{name}: {REPEATS} x {FOLDS}-fold cross-validation")
    table.add_row(str(len(claims)), f"{always:.3f}", *(f"{value:.3f}" for value in found.values()))
    console.print(table)
    first = probabilities[0].tolist()
    for label, row in three_way(labels, first).items():
        console.print(f"label {label}:", ", ".join(f"{count} {column}" for column, count in row.items()))
    write(options.parameters, name, parameters)
    curve = options.curve / f"reliability-{name}.svg"
    curve.parent.mkdir(parents=True, exist_ok=True)
    curve.write_text(draw(first, labels, f"{name}, {len(claims)} claims"))
    console.print(f"wrote {options.parameters} and {curve}")


def _collected(rows: Any, url: str, kept: Path, console: Console) -> dict[str, Collected]:
    async def collected() -> dict[str, Collected]:
        engine = OpenAIEngine(url)
        try:
            return await collect(rows, engine, kept, lambda done: progress.update(bar, completed=done))
        finally:
            await engine.close()

    with Progress(console=console) as progress:
        bar = progress.add_task("claims through the pipeline", total=len(rows))
        return asyncio.run(collected())


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 5) if isinstance(value, float) else value


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stages.calibration.fit", description=__doc__)
    parser.add_argument("--claims", type=Path, required=True, help="labelled claims (.jsonl)")
    parser.add_argument(
        "--engine-name", default=DEFAULT_ENGINE, help=f"the set to write; `{ANY}` uses no engine's odds"
    )
    parser.add_argument(
        "--engine-url", default=settings().engine_url, help="where the engine is served (ALTO_ENGINE_URL)"
    )
    parser.add_argument("--kept", type=Path, help="where raw results are kept (default: under ALTO_CACHE)")
    parser.add_argument("--kept-only", action="store_true", help="fit to what is kept, and collect nothing more")
    parser.add_argument("--parameters", type=Path, default=PARAMETERS)
    parser.add_argument("--curve", type=Path, default=CURVE, help="folder of the reliability curve")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=FutureWarning)
    main()
