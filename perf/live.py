"""What a benchmark is doing just now: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Steps:
    """Moves the bar on when the next measurement begins."""

    def __init__(self, progress: Progress, task: Any) -> None:
        self._progress, self._task = progress, task
        self._begun = False
        self.prefix = ""

    def __call__(self, what: str) -> None:
        if self._begun:
            self._progress.advance(self._task)
        self._begun = True
        text = what if what == "done" else self.prefix + what
        self._progress.update(self._task, description=text)
        if not self._progress.console.is_terminal:  # a bar would show at the end only
            self._progress.console.print(text)


def progress_bar() -> Progress:
    columns = (
        TextColumn("{task.description:<32}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("measurements,"),
        TimeElapsedColumn(),
        TextColumn("gone, about"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    # Once a second: drawing takes processor time from what is measured.
    return Progress(*columns, console=Console(stderr=True), refresh_per_second=1, speed_estimate_period=600)
