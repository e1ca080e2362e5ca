"""Ratios of two peers within one round, and their spread over the rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perf.spread import spread

Figures = Mapping[str, float]
Round = Mapping[str, Figures]  # peer -> name of a figure -> its value


@dataclass(frozen=True, slots=True)
class Ratio:
    """`figure` of alto over that of `against`; the bar is a least where more is better, else a most."""

    name: str
    figure: str
    against: str
    bar: float
    more_is_better: bool

    def met(self, median: float) -> bool:
        return median >= self.bar if self.more_is_better else median <= self.bar


RATIOS = (
    Ratio("cpu_vs_faust", "messages_per_cpu_s", "faust", 3.0, True),
    Ratio("throughput_vs_faust", "messages_per_s", "faust", 3.0, True),
    Ratio("p50_vs_raw", "p50_ms", "raw", 1.5, False),
    Ratio("p99_vs_raw", "p99_ms", "raw", 2.0, False),
)


def ratios(rounds: Sequence[Round]) -> dict[str, dict[str, Any]]:
    """Every ratio whose two peers were measured."""
    found: dict[str, dict[str, Any]] = {}
    for ratio in RATIOS:
        values = [
            measured["alto"][ratio.figure] / measured[ratio.against][ratio.figure]
            for measured in rounds
            if "alto" in measured and ratio.against in measured
        ]
        if values:
            summary = spread(values)
            found[ratio.name] = {
                **summary,
                "rounds": [float(f"{value:.4g}") for value in values],
                "bar": f"{'>=' if ratio.more_is_better else '<='} {ratio.bar:g}",
                "met": ratio.met(summary["median"]),
            }
    return found


def figures(rounds: Sequence[Round]) -> dict[str, dict[str, Any]]:
    """The spread of every figure of every peer."""
    return {
        peer: {name: spread([measured[peer][name] for measured in rounds]) for name in rounds[0][peer]}
        for peer in rounds[0]
    }
