"""What the curves say: the load that each mode carries within a target, and how long questions wait at low load."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product
from typing import Any

from perf.spread import spread

TARGET_S = 4.0
PERCENTILES = ("p50_s", "p99_s")
WAITS = ("outcome", "first_verdict")
Curve = Sequence[dict[str, Any]]  # points, by ascending load


def load_at(curve: Curve, wait: str, percentile: str, target_s: float = TARGET_S) -> tuple[float, str]:
    """Questions a second at which the percentile of a wait reaches `target_s`, on straight lines between the points
    that were kept. "more" or "less" where that lies outside them.

    >>> def at(load, wait): return {"achieved_per_s": load, "kept": True, "waits": {"outcome": {"p99_s": wait}}}
    >>> load_at([at(1.0, 2.0), at(3.0, 6.0)], "outcome", "p99_s")
    (2.0, '')
    >>> load_at([at(1.0, 5.0)], "outcome", "p99_s"), load_at([at(1.0, 2.0)], "outcome", "p99_s")
    ((1.0, 'less'), (1.0, 'more'))
    """
    points = [(one["achieved_per_s"], one["waits"][wait][percentile]) for one in curve if one["kept"]]
    if not points:
        return 0.0, "less"
    if points[0][1] > target_s:
        return points[0][0], "less"
    for (load, seconds), (next_load, next_seconds) in pairwise(points):
        if next_seconds > target_s:
            return load + (next_load - load) * (target_s - seconds) / (next_seconds - seconds), ""
    return points[-1][0], "more"


def carried(curves: dict[str, Curve], wait: str, percentile: str) -> dict[str, Any]:
    """The load within the target in both modes and their ratio; `bound` says which way the ratio is only a bound. Where
    that is unknown, there is none.
    """
    (streaming, above), (whole, below) = (load_at(curves[mode], wait, percentile) for mode in ("streaming", "whole"))
    bound = "at least" if above == "more" or below == "less" else ""
    if above == "less" or below == "more":
        bound = "unknown"
    return {
        "streaming_per_s": round(streaming, 3),
        "whole_per_s": round(whole, 3),
        "ratio": round(streaming / whole, 3) if whole and bound != "unknown" else None,
        **({"bound": bound} if bound else {}),
    }


def shorter(curves: dict[str, Curve], wait: str, percentile: str) -> float:
    """How many times shorter streaming makes a wait's percentile at the lowest load."""
    waits = {mode: curve[0]["waits"][wait][percentile] for mode, curve in curves.items()}
    return float(round(waits["whole"] / waits["streaming"], 4))


def ratios(rounds: Sequence[dict[str, Curve]]) -> dict[str, Any]:
    """Over the rounds, each of which has a curve for either mode; a ratio of loads, over those that tell one."""
    found: dict[str, Any] = {}
    for wait, percentile in product(WAITS, PERCENTILES):
        name = f"{wait}_{percentile.removesuffix('_s')}"
        both = [carried(curves, wait, percentile) for curves in rounds]
        known = [one["ratio"] for one in both if one["ratio"] is not None]
        found[f"{name}_load_at_{TARGET_S:g}s"] = {"rounds": both, **(spread(known) if known else {})}
        found[f"{name}_at_low_load"] = spread([shorter(curves, wait, percentile) for curves in rounds])
    return found
