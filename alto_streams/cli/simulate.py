"""`alto simulate`: plays a pipeline in memory under many seeds, each another history of crashes, copies and moves."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer


def simulate(
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="MODULE[:ATTRIBUTE]...",
            help="A Simulated(pipeline, questions), or a function of the seed that makes one; by default the module's "
            "`simulation`. Or a pipeline, with --questions.",
        ),
    ],
    seeds: Annotated[int, typer.Option(min=1, help="How many histories of each.")] = 1000,
    begin: Annotated[int, typer.Option("--from", min=0, help="The first seed.")] = 0,
    jobs: Annotated[int, typer.Option(min=0, help="Processes at a time; 0 is one for each processor.")] = 0,
    questions: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="For a pipeline that brings no questions: one a line, text or JSON. Its language model is emulated.",
        ),
    ] = None,
    shrink: Annotated[float, typer.Option(min=0, help="Seconds to spend on making a failing history small.")] = 20.0,
) -> None:
    """Simulate a pipeline without Kafka: each seed is another history of crashes, copies, moves and delays.

    Every history is checked for the invariants of docs/correctness.md: each question ends once, with the same outcome
    as in the undisturbed history, and nothing is left behind. The first seed that breaks one stops the command, which
    then shows the least schedule of events that still breaks it.

    Examples:

      alto simulate examples.pipelines.rag

      alto simulate examples.pipelines.rag --seeds 100000 --jobs 8

      alto simulate examples.pipelines.rag --from 4711 --seeds 1     repeat one seed

      alto simulate my.module:pipeline --questions questions.txt

    A module says what to simulate by

      simulation = Simulated(pipeline, {"q1": Question(text="Why?")}, pool=scripted_engine)
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from alto_streams.testing.seeds import Job, SeedFailed, cores, play_seeds

    console = Console(soft_wrap=True, highlight=False)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    for target in targets:
        begun, passed = time.monotonic(), 0
        job = Job(target, str(questions) if questions else None, shrink)
        with Progress(TextColumn("{task.description}"), *columns, console=console, transient=True) as progress:
            task = progress.add_task(target, total=seeds, rate="")

            def done(more: int, task: object = task, begun: float = begun, progress: Progress = progress) -> None:
                nonlocal passed
                passed += more
                rate = f"{passed / (time.monotonic() - begun):.0f} seeds/s"
                progress.update(task, advance=more, rate=rate)  # type: ignore[arg-type]

            def failing(seed: int, progress: Progress = progress) -> None:
                progress.console.print(f"Seed {seed} fails; looking for its least schedule, {shrink:g} s at most ...")

            try:
                play_seeds(job, range(begin, begin + seeds), jobs or cores(), done, failing)
            except SeedFailed as error:
                progress.stop()
                console.print(error.message, markup=False)
                console.print(f"Repeat it: alto simulate {target} --from {error.seed} --seeds 1", markup=False)
                raise typer.Exit(1) from None
            except KeyboardInterrupt:
                progress.stop()
                console.print(f"{target}: stopped; {passed} seeds from {begin} on had passed")
                raise
        seconds = time.monotonic() - begun
        console.print(f"{target}: seeds {begin} to {begin + seeds - 1} passed in {seconds:.1f} s")
