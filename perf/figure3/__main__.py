"""Measures the curves in alternating rounds, prints them, and keeps them with their pictures in perf/results."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from alto_streams.errors import AltoError
from perf.factool.questions import questions as asked
from perf.figure3.picture import draw
from perf.figure3.points import point
from perf.figure3.ratios import ratios
from perf.figure3.shapes import INSTANCES, MODES, SHAPES, Shape
from perf.figure3.virtual import virtual_point
from perf.live import Steps, progress_bar
from perf.machine import machine, today, versions
from perf.stack import stack
from perf.turns import turn

RESULTS = Path("perf/results")


def main(
    shape: Annotated[str, typer.Option(help=f"Which pipeline: {', '.join(SHAPES)}; all of them unless told.")] = "",
    loads: Annotated[
        str, typer.Option(help="Questions a second, ascending, with commas between.")
    ] = "1,2,4,6,8,10,12,14",
    seconds: Annotated[
        float, typer.Option(min=1, help="Length of a point, after 5 s of warm-up; the paper's: 720.")
    ] = 120,
    rounds: Annotated[int, typer.Option(min=1, help="How often each curve is measured; medians count.")] = 3,
    virtual_seconds: Annotated[float, typer.Option(min=0, help="Length of a point in virtual time; 0: none.")] = 720,
    questions: Annotated[
        Path | None, typer.Option(help="A JSONL file with questions; numbered ones by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of arrivals and of the order of questions.")] = 0,
    output: Annotated[Path, typer.Option(help="The result's file; pictures go beside it.")] = RESULTS / "figure3.json",
) -> None:
    """Draws latency against load, streaming (ALTO_STREAMING=1) and on whole outputs (0): figure 3 of ALTO's paper.

    The code, the emulated engines and their words, the questions and their arrivals are the same in both modes, and so
    are the instances: 2, 2, 3, 4, 1 and 4 of the paper's six stages and one for appraisal. Questions come as a Poisson
    process, whatever comes back; waits count from when each should have been sent. A curve ends with the first point
    where less than 80% of the load was achieved, and that point does not count.

    The same is computed in virtual time, where transport and processors cost next to nothing. `processor` says of each
    point how much of this machine's cores it took.

    Leave the machine alone meanwhile.

        python -m perf.figure3 --questions ../shared/data/squad-dev-questions.jsonl.gz

        python -m perf.figure3 --shape paper --loads 1,4,8 --seconds 30 --rounds 1 --output /tmp/figure3.json
    """
    chosen = [shape] if shape else list(SHAPES)
    if unknown := set(chosen) - set(SHAPES):
        raise typer.BadParameter(f"{unknown.pop()}: choose among {', '.join(SHAPES)}", param_hint="shape")
    try:
        rates = sorted(float(load) for load in loads.split(","))
    except ValueError:
        raise typer.BadParameter("give numbers with commas between", param_hint="loads") from None
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the stack is stopped then, too
    try:
        texts = asked(questions)
        result: dict[str, Any] = {
            "command": shlex.join(["python", "-m", "perf.figure3", *sys.argv[1:]]),
            "date": today(),
            "machine": machine(),
            "versions": versions(),
            "language_model": "emulated",
            "instances": INSTANCES,
            "ratios": {},
            "shapes": {},
        }
        virtual = _virtual(chosen, texts, rates, virtual_seconds, seed)
        for name in chosen:
            found = _measured(SHAPES[name], texts, rates, seconds, rounds, seed)
            result["ratios"][name] = {"measured": ratios(found)}
            if virtual:
                result["ratios"][name]["engines_alone"] = ratios([virtual[name]])
            result["shapes"][name] = {"said": SHAPES[name].said, "rounds": found, "engines_alone": virtual.get(name)}
            output.parent.mkdir(parents=True, exist_ok=True)
            draw(name, found, virtual.get(name, {}), output.with_name(f"{output.stem}-{name}.svg"))
            output.write_text(json.dumps(result, indent=2) + "\n")
            _show(name, found, result["ratios"][name])
    except AltoError as error:
        Console(stderr=True).print(f"[red]error:[/] {error}", highlight=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    Console().print(f"written to {output}")


def _measured(
    shape: Shape, questions: list[str], rates: list[float], seconds: float, rounds: int, seed: int
) -> list[dict[str, Any]]:
    """A curve for each mode in each round; each has a stack of its own.

    Every point asks other questions, the same in both modes: those of the point before are in the engines' caches.
    """
    found: list[dict[str, Any]] = [{} for _ in range(rounds)]
    with progress_bar() as progress:
        step = Steps(progress, progress.add_task("", total=rounds * len(MODES) * len(rates)))
        for number, curves in enumerate(found):
            for mode in turn(MODES, number):
                env = {"ALTO_ENGINE_URL": shape.engine_url, "ALTO_STREAMING": str(int(mode == "streaming"))}
                curves[mode] = []
                with stack(shape.target, INSTANCES, env) as running:
                    for index, rate in enumerate(rates):
                        step(f"round {number + 1} of {rounds}, {mode}, {rate:g}/s")
                        one = asyncio.run(
                            point(running, shape.factool(), questions, rate, seconds, seed + 1000 * number + index)
                        )
                        curves[mode].append(one)
                        if not one["kept"]:
                            break
        step("done")
    return found


def _virtual(shapes: list[str], questions: list[str], rates: list[float], seconds: float, seed: int) -> dict[str, Any]:
    """The curves of the engines alone, on all cores."""
    if not seconds:
        return {}
    wanted = [(shape, mode, rate) for shape in shapes for mode in MODES for rate in rates]
    Console(stderr=True).print(f"{len(wanted)} points in virtual time ...")
    with ProcessPoolExecutor() as pool:
        points = pool.map(
            virtual_point,
            *zip(
                *((shape, mode == "streaming", questions, rate, seconds, seed) for shape, mode, rate in wanted),
                strict=True,
            ),
        )
        found: dict[str, Any] = {shape: {mode: [] for mode in MODES} for shape in shapes}
        for (shape, mode, _), one in zip(wanted, points, strict=True):
            found[shape][mode].append(one)
    return found


def _show(shape: str, rounds: list[dict[str, Any]], found: dict[str, Any]) -> None:
    console = Console()
    table = Table(
        "offered/s", "mode", "achieved/s", "p50 s", "p99 s", "first verdict p50 s", "cores", title=SHAPES[shape].said
    )
    for number, curves in enumerate(rounds):
        for mode, curve in curves.items():
            for one in curve:
                outcome, verdict = one["waits"]["outcome"], one["waits"]["first_verdict"]
                cells = [outcome["p50_s"], outcome["p99_s"], verdict["p50_s"]]
                table.add_row(
                    f"{one['offered_per_s']:.1f}",
                    f"{mode} {number + 1}",
                    f"{one['achieved_per_s']:.1f}{'' if one['kept'] else ' dropped'}",
                    *(f"{cell:.2f}" for cell in cells),
                    f"{one['processor']['share']:.0%}",
                )
    console.print(table)
    for kind, said in found.items():
        for name, ratio in said.items():
            known = f"{ratio['median']} ({ratio['min']}-{ratio['max']})" if "median" in ratio else "unknown"
            console.print(f"{kind}: {name} {known}")


if __name__ == "__main__":
    typer.run(main)
