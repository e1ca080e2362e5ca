"""Measures both stacks in alternating rounds, prints what came out beside the bar, and keeps it in perf/results."""

from __future__ import annotations

import json
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from alto_streams.errors import AltoError
from perf.ceiling import report
from perf.ceiling.attribution import MEANING
from perf.ceiling.closed_loop import ClosedLoop
from perf.ceiling.point import point
from perf.ceiling.split import split, total
from perf.ceiling.stacks import STACKS
from perf.factool.questions import questions, spread_over
from perf.live import Steps, progress_bar
from perf.machine import machine, today, versions
from perf.spread import spread
from perf.turns import turn

BAR = 3.0
FIGURES = ("questions_per_s", "cpu_ms", "records", "cpu_us_per_record", "in_flight")


def main(
    rounds: Annotated[int, typer.Option(min=1, help="How often each stack is measured; medians count.")] = 5,
    in_flight: Annotated[str, typer.Option(help="Questions in flight, with commas between.")] = "16,64,160",
    seconds: Annotated[float, typer.Option(min=0, help="Least length of a measurement.")] = 8.0,
    turn_: Annotated[int, typer.Option("--questions", min=1, help="Different questions; each is asked as often.")] = 60,
    file: Annotated[Path | None, typer.Option("--file", help="Take them from a file of JSON lines (.gz).")] = None,
    split_: Annotated[bool, typer.Option("--split/--no-split", help="Also say where the time goes (py-spy).")] = True,
    small: Annotated[bool, typer.Option("--small", help="One quick round, to see that it works.")] = False,
    output: Annotated[Path, typer.Option(help="The result's file; the picture lies beside it.")] = Path(
        "perf/results/ceiling.json"
    ),
) -> None:
    """Measures the load at which the orchestrator itself gives out: FacTool on an emulated engine that answers at once.

    alto is the pipeline perf.ceiling.graph as `alto up` runs it. faust is the same pipeline as plain Faust agents
    (perf/peers/faust_plain), one process a stage as well. Each is brought up afresh in every round, with a broker of
    its own; what it can do is the best of a few closed loops. Processor time is that of all its processes, broker
    included, whoever asks left out. Ratios are taken within a round.

    Leave the machine alone meanwhile: five rounds take about twelve minutes.

        python -m perf.ceiling --file squad-dev-questions.jsonl.gz

        python -m perf.ceiling --small --output /tmp/ceiling.json
    """
    levels = [int(level) for level in in_flight.split(",")]
    if small:
        rounds, levels, seconds, turn_ = 1, [8], 0.0, 8
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that every process is stopped then, too
    try:
        texts = spread_over(questions(file), turn_)
        result: dict[str, Any] = {
            "command": shlex.join(["python", "-m", "perf.ceiling", *sys.argv[1:]]),
            "date": today(),
            "machine": machine(),
            "versions": versions(),
            "engine": "emulated, answers at once",
        }
        with progress_bar() as progress:
            peers = len(STACKS) * (rounds * len(levels) + split_)
            step = Steps(progress, progress.add_task("", total=peers))
            done = [_round(number, rounds, levels, texts, seconds, step) for number in range(rounds)]
            parts = _splits(done, texts, seconds, 1.0 if small else 5.0, step) if split_ else {}
            step("done")
    except AltoError as error:
        Console(stderr=True).print(f"[red]error:[/] {error}", highlight=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    result |= _summary(done, parts)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(result, indent=2) + "\n")
    if parts:
        report.draw(result["split_ms"], output.with_suffix(".svg"))
    report.show(result)
    Console().print(f"written to {output}")


def _round(
    number: int, rounds: int, levels: Sequence[int], texts: Sequence[str], seconds: float, step: Steps
) -> dict[str, list[dict[str, Any]]]:
    """Every level of each stack."""
    measured: dict[str, list[dict[str, Any]]] = {}
    for name in turn(list(STACKS), number):
        with STACKS[name]() as running, ClosedLoop(running, texts) as loop:
            loop.keep(max(levels))
            loop.turn(len(texts))  # the broker's compiler, the consumers' connections
            loop.drain()
            for level in levels:
                step(f"round {number + 1} of {rounds}, {name}: {level} in flight")
                measured.setdefault(name, []).append(point(running, loop, level, len(texts), seconds))
    return {name: measured[name] for name in STACKS}


def _best(points: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return max(points, key=lambda one: float(one["questions_per_s"]))


def _splits(
    done: Sequence[dict[str, list[dict[str, Any]]]], texts: Sequence[str], seconds: float, sampled_s: float, step: Steps
) -> dict[str, dict[str, dict[str, float]]]:
    """By stack, process and part, at the level at which the first round was best."""
    found = {}
    for name, up in STACKS.items():
        step(f"where the time goes: {name}")
        with up() as running, ClosedLoop(running, texts) as loop:
            loop.keep(len(texts))
            loop.turn(len(texts))
            loop.drain()
            parts = split(running, loop, _best(done[0][name])["in_flight"], len(texts), seconds, sampled_s)
            if parts:
                found[name] = parts
    return found if len(found) == len(STACKS) else {}


def _summary(
    done: Sequence[dict[str, list[dict[str, Any]]]], parts: dict[str, dict[str, dict[str, float]]]
) -> dict[str, Any]:
    best = [{name: _best(points) for name, points in measured.items()} for measured in done]
    rate = [one["alto"]["questions_per_s"] / one["faust"]["questions_per_s"] for one in best]
    cpu = [one["faust"]["cpu_ms"] / one["alto"]["cpu_ms"] for one in best]
    return {
        "questions_per_s_vs_faust": {**spread(rate), "bar": f">= {BAR:g}", "met": spread(rate)["median"] >= BAR},
        "cpu_vs_faust": {**spread(cpu), "bar": f">= {BAR:g}", "met": spread(cpu)["median"] >= BAR},
        "peers": {name: {figure: spread([one[name][figure] for one in best]) for figure in FIGURES} for name in STACKS},
        "cpu_ms_by_process": {
            name: {
                process: spread([one[name]["cpu_ms_by_process"][process] for one in best])["median"]
                for process in best[0][name]["cpu_ms_by_process"]
            }
            for name in STACKS
        },
        "split_ms": {name: {part: _short(ms) for part, ms in total(each).items()} for name, each in parts.items()},
        "split_ms_by_process": {
            name: {process: {part: _short(ms) for part, ms in each.items()} for process, each in processes.items()}
            for name, processes in parts.items()
        },
        "split_means": MEANING,
        "rounds": done,
    }


def _short(value: float) -> float:
    return float(f"{value:.4g}")


if __name__ == "__main__":
    typer.run(main)
