"""`alto setup`: brings everything that a stack reads from disk, so that later starts are quick and need no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from alto_streams.settings import Settings

Show = Callable[[int, int], None]  # takes the bytes so far and the bytes in all


def setup() -> None:
    """Fetches Kafka, the language model, the encoder and the corpus, and builds the index.

    What is there is checked and kept; what is damaged is fetched again. Behind a proxy or a mirror, pip's own settings
    (PIP_INDEX_URL, PIP_PROXY) count.

      alto setup
      ALTO_CACHE=/big/disk alto setup       keep the downloads elsewhere
    """
    from rich.console import Console

    from alto_streams.settings import settings

    console = Console()
    _fetch(console, settings(), verify=True)
    console.print(f"Everything is in {settings().cache}.")


def fetch_missing(console: Console) -> None:
    """Does what `alto setup` does if anything is missing; returns at once otherwise. Raises AltoError."""
    from alto_streams.settings import settings

    chosen = settings()
    if any(missing(chosen)):
        console.print("The first start fetches models, corpus and Kafka; later ones need no network.")
        _fetch(console, chosen, verify=False)


def missing(chosen: Settings) -> Iterator[str]:
    """What a start with these settings needs and `alto setup` would fetch."""
    from alto_streams import assets
    from ops.kafka import jars

    if not chosen.brokers and not jars.cached():
        yield "Kafka"
    yield from (name for name in needed_assets(chosen) if assets.cached(name) is None)


def needed_assets(chosen: Settings) -> list[str]:
    """The pinned data files that these settings read; another model or engine makes the default one needless."""
    from alto_streams.assets import ASSETS

    own_model = chosen.model is not None or bool(chosen.engine_url)
    return [name for name in ASSETS if not (own_model and name == "smollm2-135m")]


def _fetch(console: Console, chosen: Settings, *, verify: bool) -> None:
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description:<18}"), BarColumn(), TextColumn("{task.fields[size]}"))
    with Progress(*columns, console=console) as progress:
        for name, fetch in _downloads(chosen, verify):
            task = progress.add_task(name, total=None, size="")

            def show(done: int, total: int, task: TaskID = task) -> None:
                progress.update(task, completed=done, total=total, size=f"{done / 1e6:.0f} of {total / 1e6:.0f} MB")

            fetch(show)
            progress.update(task, completed=1, total=1)
    if not chosen.brokers:
        from ops.kafka import warm

        with console.status("preparing Kafka's start"):
            warm.prepare()
    with console.status("building the index"):
        _open_stages(chosen)


def _downloads(chosen: Settings, verify: bool) -> Iterator[tuple[str, Callable[[Show], object]]]:
    """What to fetch: its name, and a function that fetches it unless it is there."""
    from alto_streams import assets
    from ops.kafka import jars

    if not chosen.brokers:
        yield "kafka", lambda show: jars.fetch(progress=show)
    for name in needed_assets(chosen):
        yield name, lambda show, name=name: assets.asset(name, progress=show, verify=verify)  # type: ignore[misc]


def _open_stages(chosen: Settings) -> None:
    """Opening a stage once builds what it keeps on disk, whatever that is."""
    from alto_streams.pipeline import load

    for stage in load(chosen.pipeline).plan.stages:
        for resource in stage.resources():
            resource.open()
