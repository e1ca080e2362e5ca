"""`alto model`: lists and fetches better language models than the one that comes with the project."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from alto_streams.engines.models import get_model, list_models, named_model
from alto_streams.errors import AltoError
from alto_streams.settings import settings

app = typer.Typer(no_args_is_help=True, help="Better language models from the Hugging Face hub.")


@app.command("list", epilog="Example: alto model list")
def list_named() -> None:
    """Show the models that `alto model get` can fetch, and which are here."""
    cache = settings().cache
    table = Table("name", "size", "licence", "here", "remark")
    for model in list_models():
        here = "yes" if model.path(cache).is_file() else "no"
        table.add_row(model.name, f"{model.size / 1e9:.1f} GB", model.licence, here, model.remark)
    Console().print(table)


@app.command(epilog="Example: alto model get qwen2.5-coder-1.5b")
def get(name: Annotated[str, typer.Argument(help="A name that `alto model list` shows.")]) -> None:
    """Fetch a model, check its sha256, and say how to use it. An interrupted download goes on where it stopped."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    try:
        model = named_model(name)
        with bar:
            task = bar.add_task(model.filename, total=model.size)
            path = get_model(name, lambda done, total: bar.update(task, completed=done, total=total))
            bar.update(task, completed=model.size)
    except AltoError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"export ALTO_MODEL={path}")
