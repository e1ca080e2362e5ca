"""Each protocol beside the classic one, within a round, and the spread over the rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perf.spread import spread

BASE = "classic"

Figures = Mapping[str, float]
Round = Mapping[str, Figures]  # protocol -> name of a figure -> its value; without those that failed


def figures(rounds: Sequence[Round], protocols: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The spread of every figure of every protocol that got through at least one round."""
    found: dict[str, dict[str, Any]] = {}
    for protocol in protocols:
        measured = [one[protocol] for one in rounds if protocol in one]
        if measured:
            found[protocol] = {name: spread([one[name] for one in measured]) for name in measured[0]}
    return found


def ratios(rounds: Sequence[Round], protocols: Sequence[str]) -> dict[str, dict[str, Any]]:
    """`consumer_vs_classic` and the like -> name of a figure in seconds -> spread of its ratio. Less is better.

    >>> found = ratios([{"classic": {"failover_s": 4.0}, "consumer": {"failover_s": 3.0}}], ["classic", "consumer"])
    >>> found["consumer_vs_classic"]["failover_s"]["median"]
    0.75
    """
    found: dict[str, dict[str, Any]] = {}
    for protocol in protocols:
        pairs = [(one[protocol], one[BASE]) for one in rounds if protocol != BASE and {protocol, BASE} <= one.keys()]
        if pairs:
            found[f"{protocol}_vs_{BASE}"] = {
                name: spread([mine[name] / base[name] for mine, base in pairs])
                for name in pairs[0][0]
                if name.endswith("_s") and all(base[name] > 0 for _, base in pairs)
            }
    return found
