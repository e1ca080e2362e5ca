"""Draws questions one above the other: a row for each stage, a bar for each run, a tick for each output; one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from alto_streams.plan import COORDINATOR
from perf.trace.runs import Run, models

# Okabe and Ito's colours, which people who see fewer colours can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A6A4F", "#999933")
SHORTEST = 0.004  # of the time axis: a shorter bar would not be seen
LANE, GAP = 0.15, 0.13  # inches: a lane, and what is between two stages
BAR = 0.7  # of a lane
TALLEST = 0.75  # inches of a stage: more lanes than fit are narrower
EMULATED = "emulated"


@dataclass(frozen=True, slots=True)
class Panel:
    """One question, and what its panel is called."""

    title: str
    runs: Sequence[Run]

    @property
    def root(self) -> Run:
        return next(run for run in self.runs if run.stage == COORDINATOR)

    @property
    def seconds(self) -> float:
        return self.root.ended - self.root.admitted


@dataclass(frozen=True, slots=True)
class Bar:
    """A run in its lane; seconds from the question's admission."""

    run: Run
    lane: int
    start: float
    end: float


def draw(panels: Sequence[Panel], stages: Sequence[str], output: Path) -> None:
    """Writes a picture in the format that the file's name asks for. `stages` is the order of the rows."""
    width = max(panel.seconds for panel in panels)
    rows = [{stage: _lanes(panel, stage, width) for stage in stages} for panel in panels]
    heights = [sum(_height(bars) for bars in row.values()) for row in rows]
    with pyplot.rc_context({"font.size": 8, "svg.hashsalt": "alto", "axes.titlesize": 9, "font.family": "DejaVu Sans"}):
        figure, axes = pyplot.subplots(
            len(panels),
            squeeze=False,
            sharex=True,
            figsize=(8, sum(heights) + 0.6 * len(panels) + 0.75),
            gridspec_kw={"height_ratios": heights},
            layout="constrained",
        )
        for panel, row, ax in zip(panels, rows, axes[:, 0], strict=True):
            _panel(ax, panel, row, width)
        axes[-1, 0].set_xlabel(f"seconds since the question was admitted{_engines(panels)}")
        figure.legend(
            handles=[
                Patch(color="#555555", alpha=0.85, label="a run of a stage"),
                Patch(color="#555555", alpha=0.25, label="records are collected, or a run waits"),
                Line2D([], [], color="black", marker="|", linestyle="", label="an output leaves"),
            ],
            loc="outside lower right",
            ncols=3,
            frameon=False,
        )
        output.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(output, dpi=150, metadata={"Date": None} if output.suffix == ".svg" else None)
        pyplot.close(figure)


def _engines(panels: Sequence[Panel]) -> str:
    found = set[str]().union(*(models(panel.runs) for panel in panels))
    if not found:
        return ""
    if EMULATED in found:
        return " (emulated language model)"
    return f" ({', '.join(sorted(found))})"


def _lanes(panel: Panel, stage: str, width: float) -> list[Bar]:
    """Runs that overlap lie in lanes of their own, the earliest in the first one that is free."""
    start, free = panel.root.admitted, list[float]()
    bars = []
    for run in sorted((run for run in panel.runs if run.stage == stage), key=lambda run: min(run.first, run.begun)):
        first, end = min(run.first, run.begun) - start, run.ended - start
        end = max(end, first + 1.5 * SHORTEST * width)
        lane = next((lane for lane, until in enumerate(free) if until <= first), len(free))
        if lane == len(free):
            free.append(0.0)
        free[lane] = end
        bars.append(Bar(run, lane, first, run.ended - start))
    return bars


def _lane(bars: Sequence[Bar]) -> float:
    return min(LANE, TALLEST / (1 + max((bar.lane for bar in bars), default=0)))


def _height(bars: Sequence[Bar]) -> float:
    return _lane(bars) * (1 + max((bar.lane for bar in bars), default=0)) + GAP


def _panel(ax: Any, panel: Panel, rows: dict[str, list[Bar]], width: float) -> None:
    top, marks, names = 0.0, [], []
    for number, (stage, bars) in enumerate(rows.items()):
        height, lane, colour = _height(bars), _lane(bars), COLOURS[number % len(COLOURS)]
        if number:
            ax.axhline(top, color="#dddddd", linewidth=0.6, zorder=0)
        for bar in bars:
            _bar(ax, panel, bar, top + GAP / 2 + lane * (bar.lane + 0.5), lane * BAR, colour, width)
        marks.append(top + height / 2)
        names.append(f"{stage}  ({len(bars)})")
        top += height
    ax.set_ylim(top, 0)
    ax.set_xlim(0, width * 1.04)
    ax.set_yticks(marks, names)
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", labelbottom=True)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.axvline(panel.seconds, color="black", linewidth=0.9, linestyle=(0, (4, 2)))
    ax.set_title(f"{panel.title}: the outcome after {panel.seconds:.2f} s", loc="left", fontweight="bold")


def _bar(ax: Any, panel: Panel, bar: Bar, middle: float, high: float, colour: str, width: float) -> None:
    run, start = bar.run, panel.root.admitted
    begun = run.begun - start
    if begun - bar.start > 0:
        ax.barh(middle, begun - bar.start, high, bar.start, color=colour, alpha=0.25, linewidth=0)
    ax.barh(middle, max(bar.end - begun, SHORTEST * width), high, begun, color=colour, alpha=0.85, linewidth=0)
    depth = len(run.path)
    for output in run.outputs:
        if output.kind not in ("item", "last"):
            continue
        finer = len(output.path) - depth > 1  # a token of an item that is still being written
        half = high * (0.28 if finer else 0.62)
        at = output.at - start
        ax.plot([at, at], [middle - half, middle + half], color="black", linewidth=0.5 if finer else 0.9)
