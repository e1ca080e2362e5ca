"""Chooses a question of a trace and draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from alto_streams.errors import AltoError
from alto_streams.plan import COORDINATOR
from perf.trace.draw import Panel, draw
from perf.trace.runs import Run, TraceError, read


def main(
    folder: Annotated[Path, typer.Argument(help="The folder that ALTO_TRACE named.")],
    question: Annotated[str, typer.Option(help="Its id; by default the one of median latency.")] = "",
    beside: Annotated[
        Path | None, typer.Option(help="The trace of the same questions with whole outputs, drawn above.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The picture; the name's end says which format.")] = Path("trace.svg"),
) -> None:
    """Draws where the time of one question went, as figure 2 of the ALTO paper does.

    A row for each stage, with the number of its runs; a bar for each run, from its beginning to its end; a tick where
    an output left. Paler is what a run waited for: from the first record that it was made of, or while others ran.

        ALTO_TRACE=/tmp/streaming alto up && alto ask "Who wrote Hamlet?" && alto down

        python -m perf.trace /tmp/streaming --out streaming.svg

        python -m perf.trace /tmp/streaming --beside /tmp/whole --question 46031eaad87b41ab8844f8c3f87ffb97
    """
    try:
        streaming = read(folder)
        whole = read(beside) if beside is not None else None
        chosen = question or median(streaming, whole if whole is not None else streaming)
        panels = [Panel("Streaming", _runs(streaming, chosen, folder))]
        if beside is not None and whole is not None:
            panels.insert(0, Panel("Whole outputs", _runs(whole, chosen, beside)))
        draw(panels, stages([run for panel in panels for run in panel.runs]), out)
    except AltoError as error:
        Console(stderr=True).print(f"[red]error:[/] {error}", highlight=False)
        raise typer.Exit(1) from None
    Console().print(f"question {chosen}, written to {out}", highlight=False)


def median(traced: Mapping[str, Sequence[Run]], among: Mapping[str, Sequence[Run]]) -> str:
    """The question of median latency of those that are in both. Raises TraceError."""
    latencies = {
        question: next(run.ended - run.admitted for run in runs if run.stage == COORDINATOR)
        for question, runs in traced.items()
        if question in among
    }
    if not latencies:
        raise TraceError("No question has ended in both traces.", "ask the same questions, under the same ids")
    return sorted(latencies, key=lambda question: latencies[question])[len(latencies) // 2]


def stages(runs: Sequence[Run]) -> list[str]:
    """In the order in which their first runs began."""
    first: dict[str, float] = {}
    for run in sorted(runs, key=lambda run: run.begun):
        first.setdefault(run.stage, run.begun)
    return [stage for stage in first if stage != COORDINATOR]


def _runs(traced: Mapping[str, list[Run]], question: str, folder: Path) -> list[Run]:
    if question not in traced:
        raise TraceError(
            f"{folder} has no question '{question}' that was answered.", "leave --question out to draw one"
        )
    return traced[question]


if __name__ == "__main__":
    typer.run(main)
