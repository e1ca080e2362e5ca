"""Runs FacTool in the paper's shape under the paper's load, prints its table 1 beside the paper's, and keeps it."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from alto_streams.errors import AltoError
from perf.factool.questions import questions as asked
from perf.figure3.points import point
from perf.figure3.shapes import INSTANCES, SHAPES
from perf.live import progress_bar
from perf.machine import machine, today, versions
from perf.stack import stack
from perf.table1.rows import PAPER, Row, rows

RESULTS = Path("perf/results")
COLUMNS = ("outputs", "words", "ms")


def main(
    load: Annotated[float, typer.Option(min=0.1, help="Questions a second; the paper's: 15.")] = 15.0,
    seconds: Annotated[float, typer.Option(min=1, help="How long, after 5 s of warm-up; the paper's: 720.")] = 720,
    questions: Annotated[
        Path | None, typer.Option(help="A JSONL file with questions; numbered ones by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of arrivals and of the order of questions.")] = 0,
    output: Annotated[Path, typer.Option(help="The result's file.")] = RESULTS / "table1.json",
) -> None:
    """Measures what each language-model stage does under load, and prints it beside table 1 of ALTO's paper.

    The language model is emulated: its sizes and the times of outputs were fitted to that table, so that agreement says
    that the pipeline around it adds nothing; it says nothing about models. `processor` says how much of this machine's
    cores the run took: where it comes near 1, times are the machine's.

        python -m perf.table1 --questions ../shared/data/squad-dev-questions.jsonl.gz

        python -m perf.table1 --load 2 --seconds 20 --output /tmp/table1.json
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the stack is stopped then, too
    try:
        texts = asked(questions)
        shape = SHAPES["paper"]
        with tempfile.TemporaryDirectory(prefix="perf-") as traces, progress_bar() as progress:
            task = progress.add_task(f"{load:g} questions/s", total=None)
            env = {"ALTO_ENGINE_URL": shape.engine_url, "ALTO_TRACE": traces}
            with stack(shape.target, INSTANCES, env) as running:
                figures = asyncio.run(point(running, shape.factool(), texts, load, seconds, seed))
            progress.update(task, total=1, completed=1)
            found = rows(Path(traces))
    except AltoError as error:
        Console(stderr=True).print(f"[red]error:[/] {error}", highlight=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    result: dict[str, Any] = {
        "command": shlex.join(["python", "-m", "perf.table1", *sys.argv[1:]]),
        "date": today(),
        "machine": machine(),
        "versions": versions(),
        "language_model": "emulated",
        "ratios": ratios(found),
        "stages": [asdict(row) for row in found],
        "paper": [asdict(row) for row in PAPER],
        "load": figures,
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(result, indent=2) + "\n")
    show(found, figures)
    Console().print(f"written to {output}")


def ratios(found: list[Row]) -> dict[str, dict[str, float]]:
    """The mean of each column to the paper's, by quantum."""
    return {
        mine.quantum: {column: round(getattr(mine, column)[0] / getattr(paper, column)[0], 3) for column in COLUMNS}
        for mine, paper in zip(found, PAPER, strict=True)
    }


def show(found: list[Row], figures: dict[str, Any]) -> None:
    """The two tables in one: what was measured, then the paper's in the line below."""
    table = Table(
        "stage", "quantum", "requests", "outputs per input", "words", "ms per output", title="emulated, and the paper"
    )
    for mine, paper in zip(found, PAPER, strict=True):
        for row, said in ((mine, mine.stage), (paper, "  paper")):
            cells = [f"{mean} ± {deviation}" for mean, deviation in (row.outputs, row.words, row.ms)]
            table.add_row(said, row.quantum, str(row.requests), *cells)
    console = Console()
    console.print(table)
    console.print(
        f"{figures['achieved_per_s']:.1f} of {figures['offered_per_s']:.1f} questions/s, "
        f"{figures['processor']['share']:.0%} of the machine's cores"
    )


if __name__ == "__main__":
    typer.run(main)
