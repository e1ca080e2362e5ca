"""The curves as a picture: measured points, and the engines alone, in virtual time, beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from perf.figure3.ratios import PERCENTILES, TARGET_S, WAITS, Curve
from perf.figure3.shapes import SHAPES

COLOURS = {"streaming": "#1b7837", "whole": "#b2560d"}
NAMES = {
    "streaming": "streaming",
    "whole": "whole outputs",
    "outcome": "outcome",
    "first_verdict": "first verified claim",
}


def draw(shape: str, rounds: Sequence[Mapping[str, Curve]], virtual: Mapping[str, Curve], file: Path) -> None:
    """A panel for each wait and percentile: seconds against questions a second."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7.2), layout="constrained")
    panels = figure.subplots(len(WAITS), len(PERCENTILES), sharex=True, squeeze=False)
    for row, wait in zip(panels, WAITS, strict=True):
        for axis, percentile in zip(row, PERCENTILES, strict=True):
            for mode, colour in COLOURS.items():
                loads, waits = joined([one[mode] for one in rounds], wait, percentile)
                axis.plot(loads, waits, "o-", color=colour, label=NAMES[mode])
                if virtual:
                    loads, waits = joined([virtual[mode]], wait, percentile)
                    axis.plot(loads, waits, "--", color=colour, alpha=0.6, label=f"{NAMES[mode]}, engines alone")
            axis.axhline(TARGET_S, color="grey", linewidth=0.8, linestyle=":")
            axis.set(
                title=f"{NAMES[wait]}, {percentile.removesuffix('_s')}", ylabel="seconds", ylim=(0, 2.5 * TARGET_S)
            )
            axis.set_xlim(left=0)
            axis.grid(alpha=0.25)
    for axis in panels[-1]:
        axis.set_xlabel("questions a second, achieved")
    panels[0][0].legend(frameon=False)
    figure.suptitle(f"FacTool, {SHAPES[shape].said}; emulated language model", fontsize=11)
    figure.savefig(file)


def joined(curves: Sequence[Curve], wait: str, percentile: str) -> tuple[list[float], list[float]]:
    """The medians over the rounds of the points that were kept in all of them."""
    points = [
        (median(one["achieved_per_s"] for one in same), median(one["waits"][wait][percentile] for one in same))
        for same in zip(*curves, strict=False)
        if all(one["kept"] for one in same)
    ]
    return [load for load, _ in points], [wait for _, wait in points]
