"""Asks a million questions of one process and watches its memory; the result is kept in perf/results."""

from __future__ import annotations

import gc
import json
import shlex
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from rich.console import Console

from perf.machine import machine, today, versions
from perf.memory.endless import DEADLINE_MS, PER_QUESTION_MS, Endlessly
from perf.memory.pipeline import make

BAR = 0.02  # of the resident memory, from the end of the warm-up to the last sample


def main(
    questions: Annotated[int, typer.Option(min=10, help="How many, one after the other.")] = 1_000_000,
    in_flight: Annotated[int, typer.Option(min=1, help="How many of them at a time.")] = 50,
    crash_every: Annotated[int, typer.Option(min=0, help="Questions between two crashes; 0 for none.")] = 5_000,
    warm_up: Annotated[int, typer.Option(min=0, help="Questions before the first sample that counts.")] = 20_000,
    samples: Annotated[int, typer.Option(min=2, help="How many samples.")] = 100,
    limit: Annotated[float, typer.Option(min=0, help="Minutes after which it stops early; 0 for never.")] = 0,
    output: Annotated[Path, typer.Option(help="The result's file.")] = Path("perf/results/memory.json"),
) -> None:
    """Measures whether anything grows with the questions served: resident memory, live objects, what instances hold.

    A small pipeline of FacTool's shape runs in this process without Kafka; instances crash in turn and rebuild their
    state. Ended questions are remembered until their deadlines have passed, so memory grows until the first ones have.

        python -m perf.memory
    """
    tested_on, begun, used = machine(), time.monotonic(), time.process_time()
    endless, found = Endlessly(make().plan, in_flight, crash_every), []
    for number in range(1, samples + 1):
        endless.run(questions * number // samples)
        found.append(sample(endless))
        Console(stderr=True).print(found[-1])
        if limit and time.monotonic() - begun > 60 * limit:
            break
    endless.end()
    counted = [one for one in found if one["questions"] > warm_up] or found[-1:]
    result: dict[str, Any] = {
        "command": shlex.join(["python", "-m", "perf.memory", *sys.argv[1:]]),
        "date": today(),
        "machine": tested_on,
        "versions": {"python": versions()["python"]},
        "questions": {"asked": endless.asked, "ended": endless.memory.concluded, "failed": endless.memory.failed},
        "crashes": endless.crashes,
        "remembered_questions": DEADLINE_MS // PER_QUESTION_MS,
        "cpu_ms_per_question": round((time.process_time() - used) / endless.asked * 1000, 3),
        **growth(counted),
        "samples": found,
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(result, indent=2) + "\n")
    Console().print({key: value for key, value in result.items() if key != "samples"})
    Console().print(f"written to {output}")


def sample(endless: Endlessly) -> dict[str, int]:
    gc.collect()
    resident = psutil.Process().memory_info().rss
    return {
        "questions": endless.asked,
        "resident_kb": resident // 1024,
        "objects": len(gc.get_objects()),
        **endless.held(),
    }


def growth(samples: list[dict[str, int]]) -> dict[str, Any]:
    """The mean of the last tenth of the samples against that of the first."""
    tenth = max(len(samples) // 10, 1)

    def ends(name: str) -> dict[str, float]:
        first = sum(one[name] for one in samples[:tenth]) / tenth
        last = sum(one[name] for one in samples[-tenth:]) / tenth
        return {"first": first, "last": last, "growth": round(last / first - 1, 4)}

    resident = ends("resident_kb")
    return {
        "resident_kb": {**resident, "bar": f"< {BAR}", "met": resident["growth"] < BAR},
        "objects": ends("objects"),
    }


if __name__ == "__main__":
    typer.run(main)
