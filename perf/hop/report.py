"""The result as a file and as tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

UNITS = {
    "records": "records of a throughput measurement",
    "messages_per_s": "messages/s",
    "messages_per_cpu_s": "messages per CPU second",
    "p50_ms": "p50, ms",
    "p99_ms": "p99, ms",
    "cpu_percent": "CPU at 100 messages/s, % of a core",
    "owned_s": "exec until it owns its partition, s",
    "first_record_s": "exec until the first record is out, s",
    "rss_mb": "resident memory, MB",
    "pss_mb": "its share of it (PSS), MB",
}


def write(result: Mapping[str, Any], output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(result, indent=2) + "\n")


def show(ratios: Mapping[str, Mapping[str, Any]], peers: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """Medians, with least and most in brackets."""
    console = Console()
    absolute = Table("median (least to most)", *peers, title="Each peer")
    for name in next(iter(peers.values())):
        absolute.add_row(UNITS[name], *(_spread(figures[name]) for figures in peers.values()))
    console.print(absolute)
    if ratios:
        table = Table("ratio, alto to", "median", "least to most", "bar", "", title="The bar")
        for name, ratio in ratios.items():
            met = "[green]met[/]" if ratio["met"] else "[red]not met[/]"
            least_most = f"{_short(ratio['min'])}-{_short(ratio['max'])}"
            table.add_row(name, f"{ratio['median']:.2f}", least_most, ratio["bar"], met)
        console.print(table)


def _spread(figure: Mapping[str, float]) -> str:
    return f"{_short(figure['median'])} ({_short(figure['min'])}-{_short(figure['max'])})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
