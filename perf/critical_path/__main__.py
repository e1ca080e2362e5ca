"""Asks questions one after the other of a stack that traces, and compares what they took with what engines took."""

from __future__ import annotations

import json
import shlex
import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from alto_streams.errors import AltoError
from alto_streams.supervisor.instances import parse_instances
from perf.critical_path.figures import figures
from perf.critical_path.measure import WARM_UP, measure
from perf.critical_path.report import show
from perf.live import Steps, progress_bar
from perf.load.files import BUILT_IN, drawn, read_questions
from perf.machine import machine, today, versions
from perf.trace.runs import read

RESULTS = Path("perf/results")
SMALL = 2


def main(
    questions: Annotated[int, typer.Option(min=1, help="How many questions to ask.")] = 40,
    file: Annotated[Path | None, typer.Option(help="Ask those of this file; by default a few built-in ones.")] = None,
    seed: Annotated[int, typer.Option(help="Draws the questions, and the words of the emulated engine.")] = 0,
    pipeline: Annotated[str, typer.Option(help="module:attribute.")] = "perf.factool.graph:pipeline",
    instances: Annotated[str, typer.Option(help="STAGE=N[,STAGE=N]; one each where nothing is said.")] = "",
    whole: Annotated[bool, typer.Option(help="Ask them in whole-output mode, too, for comparison.")] = True,
    small: Annotated[bool, typer.Option("--small", help=f"{SMALL} questions, to see that it works.")] = False,
    traces: Annotated[
        Path | None, typer.Option(help="Keep the traces here, as `streaming` and `whole`, for perf.trace.")
    ] = None,
    output: Annotated[Path, typer.Option(help="The result's file.")] = RESULTS / "critical_path.json",
) -> None:
    """Measures how close questions come to their critical path, at low load, with the emulated language model.

    The critical path of a question is the longest chain of engine time that its records depend on: from the submission
    of each request to the token that completes the output that the next stage needs. No system with the same engine
    outputs at those speeds could be faster. It is computed from the question's own spans (ALTO_TRACE), as is the way
    that the question really took, and where on it the rest of the time went.

        python -m perf.critical_path

        python -m perf.critical_path --small --output /tmp/critical_path.json

        python -m perf.critical_path --file ../shared/data/squad-dev-questions.jsonl.gz --traces /tmp/traces
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that every process is stopped then, too
    try:
        result = _run(questions if not small else SMALL, file, seed, pipeline, instances, whole, traces)
    except AltoError as error:
        Console(stderr=True).print(f"[red]error:[/] {error}", highlight=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(result, indent=2) + "\n")
    show(result)
    Console().print(f"written to {output}")


def _run(
    number: int, file: Path | None, seed: int, pipeline: str, instances: str, whole: bool, traces: Path | None
) -> dict[str, Any]:
    texts = drawn(read_questions(file) if file is not None else list(BUILT_IN), number, seed)
    counts = parse_instances(instances)
    result: dict[str, Any] = {
        "command": shlex.join(["python", "-m", "perf.critical_path", *sys.argv[1:]]),
        "date": today(),
        "engine": "emulated",
        "pipeline": pipeline,
        "instances": counts,
        "machine": machine(),
        "versions": versions(),
    }
    with tempfile.TemporaryDirectory(prefix="perf-") as temporary, progress_bar() as progress:
        folder = traces or Path(temporary)
        step = Steps(progress, progress.add_task("", total=number * (1 + whole)))
        asked = {}
        for mode, streaming in (("streaming", "1"), ("whole", "0"))[: 1 + whole]:
            step.prefix = f"{mode}: "
            env = {"ALTO_ENGINE_URL": f"emulated:?seed={seed}", "ALTO_STREAMING": streaming}
            asked[mode] = measure(texts, folder / mode, pipeline, counts, env, step)
        step("done")
        found = figures(asked["streaming"], read(folder / "streaming"), asked.get("whole", []))
    return result | {"measured": {"warm_up": WARM_UP, "tracing": "on"}} | found


if __name__ == "__main__":
    typer.run(main)
