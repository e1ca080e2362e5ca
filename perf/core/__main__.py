"""Measures the core in alternating rounds, prints what came out beside the bar, and keeps it in perf/results."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from perf.core.measure import PARTS, PEERS, costs
from perf.core.records import OPEN, tokens
from perf.core.sizes import header_bytes, spent
from perf.machine import machine, today, versions
from perf.spread import spread
from perf.turns import turn

BAR_US = 6.0
BAR_BYTES = 64


def main(
    rounds: Annotated[int, typer.Option(min=1, help="How often each part is measured; medians count.")] = 100,
    scopes: Annotated[int, typer.Option(min=1, help="Scopes of a round, some 5.5 records each.")] = 2 * OPEN,
    output: Annotated[Path, typer.Option(help="The result's file.")] = Path("perf/results/core.json"),
) -> None:
    """Measures what the core spends on a token's record four levels deep: header out and in, partition, scope.

    In one process, in processor time, beside an update of a dict over as many records. A round has records that were
    never seen before, so what is remembered of a scope is what its first record left; many scopes are open and take
    turns. The first records of scopes, of which nothing is remembered, are measured alone too.

        python -m perf.core
    """
    tested_on = machine()  # with the load before the rounds
    costs(PEERS, scopes, -1)  # a round that is not counted
    done = [costs(turn(PEERS, number), scopes, number) for number in range(rounds)]
    first = [costs(turn(PEERS, number), scopes, number, cold=True) for number in range(rounds)]
    records = len(tokens(scopes))
    result: dict[str, Any] = {
        "command": shlex.join(["python", "-m", "perf.core", *sys.argv[1:]]),
        "date": today(),
        "machine": tested_on,
        "versions": {"python": versions()["python"]},
        **summary(done),
        "us_per_first_record": {name: figure for name, figure in times(first).items() if name != "dict"},
        "header_bytes": header_bytes() | {"bar": f"< {BAR_BYTES}", "met": header_bytes()["max"] < BAR_BYTES},
        "header_spent": spent(),
        "measured": {
            "rounds": rounds,
            "scopes": scopes,
            "records": records,
            "first_of_their_scope": round(scopes / records, 3),
            "open_scopes": min(OPEN, scopes),
            "time": "processor time of the thread, loop included",
        },
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(result, indent=2) + "\n")
    _show(result)
    Console().print(f"written to {output}")


def summary(rounds: list[dict[str, float]]) -> dict[str, Any]:
    """Microseconds a record, and the ratio to the dict update of the same round."""
    figures, sums = times(rounds), [_with_sum(measured) for measured in rounds]
    total = figures["sum"]
    return {
        "us_per_record": {**figures, "sum": {**total, "bar": f"< {BAR_US:g}", "met": total["median"] < BAR_US}},
        "ratio_to_dict": {
            name: spread([measured[name] / measured["dict"] for measured in sums]) for name in (*PARTS, "sum")
        },
    }


def times(rounds: list[dict[str, float]]) -> dict[str, dict[str, Any]]:
    """Microseconds a record of each peer, and of all parts together."""
    sums = [_with_sum(measured) for measured in rounds]
    return {name: spread([measured[name] / 1000 for measured in sums]) for name in (*PEERS, "sum")}


def _with_sum(measured: dict[str, float]) -> dict[str, float]:
    return {**measured, "sum": sum(measured[part] for part in PARTS)}


def _show(result: dict[str, Any]) -> None:
    console = Console()
    table = Table("", "median, µs", "quartiles", "least to most", "times a dict update", title="One record")
    for name, figure in result["us_per_record"].items():
        ratio = result["ratio_to_dict"].get(name)
        table.add_row(
            name,
            f"{figure['median']:.2f}",
            f"{figure['q1']:.2f}-{figure['q3']:.2f}",
            f"{figure['min']:.2f}-{figure['max']:.2f}",
            f"{ratio['median']:.1f}" if ratio else "1",
        )
    console.print(table)
    first, share = result["us_per_first_record"]["sum"], result["measured"]["first_of_their_scope"]
    console.print(f"the first record of a scope alone: {first['median']:.2f} µs; {share:.0%} of the records are one")
    total, size = result["us_per_record"]["sum"], result["header_bytes"]
    console.print(f"sum {total['median']:.2f} µs, bar {total['bar']}: {_met(total)}")
    console.print(
        f"header {size['min']}-{size['max']} bytes, bar {size['bar']}: {_met(size)}; {result['header_spent']}"
    )


def _met(figure: dict[str, Any]) -> str:
    return "[green]met[/]" if figure["met"] else "[red]not met[/]"


if __name__ == "__main__":
    typer.run(main)
