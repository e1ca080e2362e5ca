"""The result as a file and as one table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from perf.rebalance.ratios import BASE

_GAP = "longest gap, partitions that {}"
_WAIT, _AGAIN = "longest wait of a record", "records processed again, number"
ROWS = {
    "at rest": {"rest_gap_s": "longest gap"},
    "join": {
        "join_first_s": "until the first record",
        "join_gap_moved_s": _GAP.format("moved"),
        "join_gap_kept_s": _GAP.format("stayed"),
        "join_wait_s": _WAIT,
        "join_repeated": _AGAIN,
    },
    "leave by SIGTERM": {
        "leave_gap_moved_s": _GAP.format("moved"),
        "leave_gap_kept_s": _GAP.format("stayed"),
        "leave_wait_s": _WAIT,
        "leave_repeated": _AGAIN,
    },
    "added partitions": {
        "added_first_s": "until the first record of one",
        "added_all_s": "until the first record of each",
        "added_gap_kept_s": _GAP.format("stayed"),
        "added_wait_s": _WAIT,
        "added_repeated": _AGAIN,
    },
    "failover after SIGKILL": {
        "failover_s": "until all of its partitions flow",
        "failover_gap_kept_s": _GAP.format("stayed"),
        "failover_wait_s": _WAIT,
        "failover_repeated": _AGAIN,
    },
    "in all": {"lost": "records lost, number", "not_fenced": "records without a newer attempt, number"},
}


def write(result: Mapping[str, Any], output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(result, indent=2) + "\n")


def show(result: Mapping[str, Any]) -> None:
    """Medians, with least and most in brackets; then the ratios; then what failed."""
    console = Console()
    for title, columns in (
        ("Seconds where nothing else is said: median (least-most)", result["protocols"]),
        (f"Ratio to {BASE} within a round; below 1 is faster", result["ratios"]),
    ):
        if columns:
            console.print(_table(title, columns))
    for failure in result["failed"]:
        console.print(f"[red]round {failure['round']}, {failure['protocol']}:[/] {failure['error']}", highlight=False)


def _table(title: str, columns: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Table:
    table = Table("", *(name.removesuffix(f"_vs_{BASE}") for name in columns), title=title)
    for step, rows in ROWS.items():
        shown = {name: say for name, say in rows.items() if any(name in figures for figures in columns.values())}
        if shown:
            table.add_section()
            table.add_row(f"[bold]{step}[/]")
        for name, say in shown.items():
            table.add_row(say, *(_spread(of[name]) if name in of else "" for of in columns.values()))
    return table


def _spread(figure: Mapping[str, float]) -> str:
    return f"{_short(figure['median'])} ({_short(figure['min'])}-{_short(figure['max'])})"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"
