"""A load on the screen: how it goes, and what it came to."""

from __future__ import annotations

import math
import statistics
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from perf.load.offer import Run
from perf.load.report import TARGET_S, Report

RECENT = 50  # ended questions whose median is shown
LINE_EVERY_S = 10.0


class Watch:
    """Shows a run: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console, seconds: float) -> None:
        self._console, self._seconds = console, seconds
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), TextColumn("{task.fields[said]}"))
        # Once a second: drawing takes processor time from what is measured.
        self._progress = Progress(*columns, console=console, refresh_per_second=1, disable=not console.is_terminal)
        self._task: TaskID = self._progress.add_task("", total=seconds, said="")
        self._lined = -math.inf

    def __enter__(self) -> Watch:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, run: Run) -> None:
        elapsed = max(0.0, run.elapsed_s)
        over = elapsed - self._seconds
        clock = f"{elapsed:.0f} of {self._seconds:.0f} s" if over < 0 else f"all asked, {over:.0f} s ago"
        if self._console.is_terminal:
            self._progress.update(self._task, description=clock, completed=elapsed, said=said(run))
        elif time.monotonic() - self._lined > LINE_EVERY_S:
            self._lined = time.monotonic()
            self._console.print(f"{clock}: {said(run)}", highlight=False)


def said(run: Run) -> str:
    """How it stands, in one line."""
    ended = run.listener.ended
    complete = [asked.ended_s for asked in ended[-RECENT:] if asked.complete and asked.ended_s is not None]
    failed = sum(not asked.complete for asked in ended)
    parts = [f"{run.sent} asked", f"{run.sent - len(ended)} open", f"{len(ended) - failed} complete"]
    parts += [f"{failed} failed"] if failed else []
    parts += [f"lately {statistics.median(complete):.2f} s each"] if complete else []
    return ", ".join(parts)


def show(report: Report, console: Console, target_s: float = TARGET_S) -> None:
    console.print(_loads(report, target_s))
    waits = report.waits
    if any(len(one) for one in waits.values()):
        console.print(_waits(report))
    if any("at_least" in one.figures() for one in waits.values()):
        console.print("> : at least so long; questions that did not complete are in it with the time they waited.")
    if report.measured and not report.kept and not report.stopped:
        console.print("[yellow]Less than 80% of the offered load was achieved:[/] the waits say how long was measured.")
    if report.too_slow:
        console.print(
            "[yellow]The generator itself was late:[/] more than 1% of the questions were sent more than 50 ms after "
            "their time. Waits hold that too. Run it on a machine with a free core."
        )


def _loads(report: Report, target_s: float) -> Table:
    emulated = ", emulated engine" if report.emulated else ""
    title = f"Load on {report.pipeline.name}{emulated}: {report.seconds:.3g} s"
    title += f" after {report.warm_up_s:g} s of warm-up" if report.warm_up_s else ""
    table = Table(title=title + (", stopped early" if report.stopped else ""), show_header=False, title_justify="left")
    share = f", {report.completed / len(report.measured):.0%} of it" if report.measured else ""
    table.add_row("offered", f"{_rate(report.offered_per_s)} ({len(report.measured)})")
    table.add_row("achieved", f"{_rate(report.achieved_per_s)}{share}")
    table.add_row(f"goodput, within {target_s:g} s", _rate(report.goodput_per_s(target_s)))
    errors = ", ".join(f"{number} {why}" for why, number in report.errors.items())
    table.add_row("errors", f"{errors} ({report.timeouts} timeouts)" if errors else "none")
    if report.unfinished:
        table.add_row("open when stopped", str(report.unfinished))
    late = report.late
    if len(late):
        at = ", ".join(f"{name} {1000 * value:.1f} ms" for name, value in _late(report).items())
        table.add_row("sent late by", at)
    cpu = f"{report.cpu_ms_per_question:.2f} CPU-ms a question, {report.connections} connections"
    table.add_row("generator", cpu)
    return table


def _rate(per_s: float) -> str:
    return f"{per_s:,.0f} questions/s" if per_s >= 100 else f"{per_s:.3g} questions/s"


def _late(report: Report) -> dict[str, float]:
    late = report.late
    return {"P50": late.percentile(50)[0], "P99": late.percentile(99)[0], "most": max(late.ended)}


def _waits(report: Report) -> Table:
    title = "Seconds from the intended sending to"
    table = Table("", "of", "P50", "P95", "P99", "mean", "max", title=title, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, waits in report.waits.items():
        figures = waits.figures()
        if figures["of"]:
            shown = (_figure(figures, key) for key in ("p50_s", "p95_s", "p99_s", "mean_s", "max_s"))
            table.add_row(name.replace("_", " "), str(figures["of"]), *shown)
    return table


def _figure(figures: dict[str, Any], key: str) -> str:
    return f"{'>' if key in figures.get('at_least', ()) else ''}{figures[key]:.3f}"
