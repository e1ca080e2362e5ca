"""Offers a load to a running pipeline, shows how it goes and what it came to, and keeps it in a file."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from alto_streams.admission import MAX_DEADLINE_MS
from alto_streams.cli.connection import brokers_and_pipeline
from alto_streams.errors import AltoError
from alto_streams.pipeline import Pipeline, load
from perf.load.arrivals import warmed_up
from perf.load.files import BUILT_IN, Traced, drawn, read_questions, read_trace
from perf.load.offer import offer
from perf.load.report import TARGET_S, Report
from perf.load.show import Watch, show
from perf.machine import machine, today, versions

RATE, SECONDS = 1.0, 60.0


class Spacing(StrEnum):
    poisson = "poisson"
    even = "even"


def main(
    brokers: Annotated[
        str, typer.Option(help="host:port of the Kafka to use.", show_default="that of the running stack")
    ] = "",
    pipeline: Annotated[
        str, typer.Option(help="module:attribute or a pipeline.yaml.", show_default="that of the running stack")
    ] = "",
    rate: Annotated[float | None, typer.Option(help="Questions a second.", show_default=f"{RATE:g}")] = None,
    to: Annotated[
        float | None, typer.Option(help="A ramp: from --rate to this in a straight line.", show_default=False)
    ] = None,
    spacing: Annotated[
        Spacing, typer.Option("--arrivals", help="Random as those of many independent askers, or evenly spaced.")
    ] = Spacing.poisson,
    trace: Annotated[
        Path | None,
        typer.Option(help="Arrivals from a file: seconds, one a line, or JSON lines.", show_default=False),
    ] = None,
    questions: Annotated[
        Path | None,
        typer.Option(help="JSON lines or plain lines, .gz too.", show_default=f"{len(BUILT_IN)} built in"),
    ] = None,
    field: Annotated[str, typer.Option(help="Where a JSON line has its question.")] = "question",
    seconds: Annotated[
        float | None, typer.Option(min=1, help="How long is measured.", show_default=f"{SECONDS:g}; a trace: all of it")
    ] = None,
    warm_up: Annotated[
        float, typer.Option(min=0, help="Seconds of load before that, at --rate, left out of the report.")
    ] = 0.0,
    connections: Annotated[int, typer.Option(min=1, max=1000, help="Producers that take turns.")] = 8,
    deadline: Annotated[
        float, typer.Option(min=0.1, max=MAX_DEADLINE_MS / 1000, help="Seconds that a question may take.")
    ] = 60.0,
    target: Annotated[
        float, typer.Option(min=0, help="Goodput counts what is complete within so many seconds.")
    ] = TARGET_S,
    seed: Annotated[int, typer.Option(help="Of the arrivals and of the order of the questions.")] = 0,
    report: Annotated[Path | None, typer.Option(help="Also keep it as JSON here.", show_default=False)] = None,
) -> None:
    """Offers a load to a running stack, and reports what it achieved and how long questions waited.

    The load is open: questions are sent at times fixed beforehand, however long earlier ones take, and each wait
    counts from when its question was to be sent. So a stall shows in every question that it hit. Poisson arrivals
    by default; point the load at any pipeline that takes a text, on any Kafka.

        alto up

        python -m perf.load --rate 2 --seconds 60 --warm-up 10

        python -m perf.load --rate 5 --questions questions.jsonl.gz --report load.json

        python -m perf.load --rate 2 --to 20 --seconds 300      a ramp: where does it break?

        python -m perf.load --trace arrivals.txt                as it was, say, in production

        python -m perf.load --brokers kafka:9092 --pipeline my_graph:pipeline

    A trace is a file of seconds from its beginning, one a line, or of JSON lines {"at": 0.25, "question": "Who?"},
    where the question may be left out. A questions file has one question a line, or one JSON object a line.

    Ctrl-C stops the load, cancels what is open and reports what there is so far; exit code 130. What each figure
    means is in docs/performance.md.
    """
    try:
        if trace is not None and (rate is not None or to is not None):
            raise typer.BadParameter("a trace says itself when questions arrive", param_hint="--rate, --to")
        known = read_questions(questions, field) if questions is not None else list(BUILT_IN)
        if trace is not None:
            planned = read_trace(trace)
            seconds = seconds or max(planned[-1].at - warm_up, 1.0)
            planned = [one for one in planned if one.at <= warm_up + seconds]
        else:
            seconds, rate = seconds or SECONDS, RATE if rate is None else rate
            times = warmed_up(rate, warm_up, seconds, to, even=spacing is Spacing.even, seed=seed)
            planned = [Traced(at) for at in times]
        fill = drawn(known, len(planned), seed)
        planned = [Traced(one.at, one.question or text) for one, text in zip(planned, fill, strict=True)]
        brokers, asked = (brokers, load(pipeline)) if brokers and pipeline else brokers_and_pipeline(brokers)
        asked = load(pipeline) if pipeline else asked
        made = asyncio.run(_offer(brokers, planned, asked, warm_up, seconds, deadline, connections))
    except AltoError as error:
        Console(stderr=True).print(f"[red]error:[/] {error}", highlight=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    show(made, Console(), target)
    if report is not None:
        _write(made, report, target)
    if made.lost:
        Console(stderr=True).print(f"[red]error:[/] {made.lost}", highlight=False)
        raise typer.Exit(1)
    if made.stopped:
        raise typer.Exit(130)


async def _offer(
    brokers: str,
    planned: list[Traced],
    pipeline: Pipeline,
    warm_up_s: float,
    seconds: float,
    deadline_s: float,
    connections: int,
) -> Report:
    """The first Ctrl-C stops the load; a second one means that nobody wants the report either."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop_once() -> None:
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop_once)
    with Watch(Console(stderr=True), warm_up_s + seconds) as watch:
        return await offer(
            brokers,
            [one.at for one in planned],
            [one.question for one in planned],
            pipeline,
            warm_up_s=warm_up_s,
            seconds=seconds,
            deadline_s=deadline_s,
            connections=connections,
            stop=stop,
            watch=watch,
        )


def _write(made: Report, file: Path, target_s: float) -> None:
    result = {
        "command": shlex.join(["python", "-m", "perf.load", *sys.argv[1:]]),
        "date": today(),
        "machine": machine(),
        "versions": versions(),
        **made.figures(target_s),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(result, indent=2) + "\n")
    Console().print(f"written to {file}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
