"""The result as tables and as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from perf.ceiling.attribution import PARTS

FIGURES = {
    "questions_per_s": "questions/s",
    "cpu_ms": "processor time of a question, ms",
    "records": "records of a question",
    "cpu_us_per_record": "processor time of a record, µs",
    "in_flight": "questions in flight",
}
NAMES = {"alto": "alto-streams", "faust": "plain Faust"}


def show(result: Mapping[str, Any]) -> None:
    console = Console()
    peers = result["peers"]
    table = Table("median (least to most)", *(NAMES[peer] for peer in peers), title="Each stack at its best")
    for figure, said in FIGURES.items():
        table.add_row(said, *(_spread(measured[figure]) for measured in peers.values()))
    console.print(table)
    if result["split_ms"]:
        table = Table(
            "ms of processor time", *(NAMES[peer] for peer in result["split_ms"]), title="Where a question's time goes"
        )
        for part in PARTS:
            table.add_row(part, *(f"{parts[part]:.2f}" for parts in result["split_ms"].values()))
        console.print(table)
    for name in ("questions_per_s_vs_faust", "cpu_vs_faust"):
        ratio = result[name]
        met = "met" if ratio["met"] else "not met"
        console.print(
            f"{name}: {ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f}), {ratio['bar']}: {met}"
        )


def _spread(figure: Mapping[str, float]) -> str:
    return f"{figure['median']:.4g} ({figure['min']:.4g} to {figure['max']:.4g})"


def draw(split_ms: Mapping[str, Mapping[str, float]], output: Path) -> None:
    """Stacked bars, one a stack."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams.update(
        {"svg.hashsalt": "ceiling", "svg.fonttype": "none"}
    )  # the same file for the same figures
    figure, axes = pyplot.subplots(figsize=(7.5, 2.6), layout="constrained")
    stacks = list(split_ms)[::-1]
    left = [0.0] * len(stacks)
    for number, part in enumerate(PARTS):
        widths = [split_ms[stack][part] for stack in stacks]
        axes.barh([NAMES[stack] for stack in stacks], widths, left=left, label=part, color=f"C{number}")
        left = [low + width for low, width in zip(left, widths, strict=True)]
    axes.set_xlabel("processor time of a question, ms")
    axes.set_title("Emulated language model, answers at once", fontsize="medium")
    axes.legend(ncols=len(PARTS), fontsize="x-small", loc="upper center", bbox_to_anchor=(0.5, -0.3), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(output, metadata={"Date": None})
    pyplot.close(figure)
