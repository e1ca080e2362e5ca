"""`alto pipeline show`: the graph with levels, keys and topics."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Look at the pipeline that the stack runs.")


class Format(StrEnum):
    """How to print the graph."""

    TABLE = "table"
    MERMAID = "mermaid"
    JSON = "json"


@app.callback()
def pipeline() -> None:
    """Look at the pipeline that the stack runs."""


@app.command()
def show(
    format: Annotated[
        Format, typer.Option("--format", "-f", help="table for people, mermaid for a picture, json for programs")
    ] = Format.TABLE,
) -> None:
    """Print the graph: every stage, what it reads, what its records are grouped by, and its topic.

    Examples:

      alto pipeline show

      alto pipeline show -f mermaid > pipeline.mmd

      ALTO_PIPELINE=my.module:graph alto pipeline show
    """
    from rich.console import Console
    from rich.table import Table

    from alto_streams.describe import describe, mermaid
    from alto_streams.pipeline import load
    from alto_streams.settings import settings
    from topics import names

    loaded = load(settings().pipeline)
    stages = describe(loaded)
    if format is Format.MERMAID:
        typer.echo(mermaid(loaded))
        return
    topics = {stage.name: names.stage_input(loaded.name, stage.name) for stage in stages}
    if format is Format.JSON:
        rows = [{**asdict(stage), "topic": topics[stage.name]} for stage in stages]
        typer.echo(json.dumps({"pipeline": loaded.name, "stages": rows}, indent=2))
        return
    table = Table(title=f"Pipeline {loaded.name}", title_justify="left", row_styles=["", "dim"])
    for column in ("stage", "kind", "reads", "emits", "one run per", "key", "topic"):
        table.add_column(column, overflow="fold")
    for stage in stages:
        kind = f"{stage.kind}, pool {stage.pool}" if stage.pool else stage.kind
        key = stage.key or "unconstrained"
        table.add_row(stage.name, kind, "\n".join(stage.reads), stage.emits, stage.level, key, topics[stage.name])
    Console().print(table)
