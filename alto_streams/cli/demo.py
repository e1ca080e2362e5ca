"""`alto demo`: the whole of it once, from nothing to verified claims and back to nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from alto_streams.cli.render import Summary
    from alto_streams.supervisor.state import StackState

QUESTIONS = (
    "Who wrote The Old Man and the Sea?",
    "What is the capital of France?",
    "Who painted the Mona Lisa?",
)


def demo() -> None:
    """Starts a stack of its own, asks three questions, shows what streams out of it, and stops it again.

    It uses free ports and a folder of its own, so it can run beside `alto up`. The first run fetches what it needs.

      alto demo
      ALTO_MODEL=better.gguf alto demo
    """
    from rich.console import Console

    from alto_streams.settings import settings

    began = time.time()
    console = Console()
    with stack_of_its_own(settings().home / "demo", console) as running:
        summaries = _ask(running.brokers, running.pipeline, console, began)
    _show(summaries, console)
    console.print('Now [bold]alto up[/bold] and [bold]alto ask "..."[/bold] with questions of your own.')


@contextmanager
def stack_of_its_own(home: Path, console: Console) -> Iterator[StackState]:
    """A stack for as long as the block takes; then its data goes too. Where something failed, the logs stay.

    Raises AltoError when it does not come up.
    """
    from alto_streams.cli.setup import fetch_missing
    from alto_streams.cli.stack import show_start, stop_visibly
    from alto_streams.supervisor import control

    fetch_missing(console)
    process = control.SupervisorProcess(home, {}, keep_tied=True)
    try:
        yield show_start(process, console)
    finally:
        stop_visibly(process, console)
    control.clean(home)


def _ask(brokers: str, pipeline: str, console: Console, began: float) -> list[tuple[float, Summary]]:
    """The summary of each question, with the seconds from the command to the moment it was asked."""
    import asyncio

    from alto_streams.cli.render import show
    from alto_streams.client import AltoClient

    async def ask_all() -> list[tuple[float, Summary]]:
        summaries = []
        async with AltoClient(brokers, pipeline) as client:
            for question in QUESTIONS:
                console.print()
                asked = time.time() - began
                summaries.append((asked, await show(client, question, console)))
        return summaries

    return asyncio.run(ask_all())


def _show(summaries: list[tuple[float, Summary]], console: Console) -> None:
    from rich.table import Table

    table = Table(title="\nSeconds after each question was asked", title_justify="left")
    table.add_column("question", ratio=1)
    for column in ("claims", "first claim", "first verdict", "last verdict"):
        table.add_column(column, justify="right")
    for _, one in summaries:
        times = (one.first_claim_s, one.first_verified_s, one.last_verdict_s)
        table.add_row(one.question, str(len(one.outcome.claims)), *map(_seconds, times))
    console.print(table)
    verified = [asked + one.first_verified_s for asked, one in summaries if one.first_verified_s is not None]
    if verified:
        console.print(f"The first verified claim came {min(verified):.1f} s after the command.")


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
