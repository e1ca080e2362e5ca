"""The figures as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Column, Table

NAMES = {
    "latency_to_critical_path": "admitted to outcome",
    "client_latency_to_critical_path": "the client's",
    "latency_to_critical_path_with_retrieval": "to engine and retrieval time",
    "whole_outputs_client_latency_to_critical_path": "the client's, whole outputs",
}
SHOWN_MS = 0.05


def show(result: Mapping[str, Any]) -> None:
    console = Console()
    named = Column("latency to critical path", no_wrap=True)
    table = Table(named, "median", Column("least-most", no_wrap=True), "bar", title="Emulated language model")
    for name, title in NAMES.items():
        if name in result:
            ratio = result[name]
            met = {True: "[green]met[/]", False: "[red]not met[/]"}.get(ratio.get("met"), "")
            spread = f"{ratio['min']:.3f}-{ratio['max']:.3f}"
            table.add_row(title, f"{ratio['median']:.3f}", spread, f"{ratio.get('bar', '')} {met}".strip())
    console.print(table)
    console.print(
        f"critical path {result['critical_path_s']['median']:.3f} s, latency {result['latency_s']['median']:.3f} s, "
        f"a hop {result['hops']['all']['median']:.2f} ms (medians)"
    )
    stage = Column("stage", no_wrap=True)
    where = Table(stage, "what", "ms a question", "least to most", "share", title="Where it goes")
    for row in result["where"]:
        if row["ms"]["max"] >= SHOWN_MS:
            least_most = f"{row['ms']['min']:.2f}-{row['ms']['max']:.2f}"
            where.add_row(row["stage"], row["what"], f"{row['ms']['median']:.2f}", least_most, f"{row['share']:.1%}")
    console.print(where)
