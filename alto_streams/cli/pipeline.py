"""`alto pipeline`: the graph with levels, keys and topics, and whether a pipeline.yaml agrees with it."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.tree import Tree

    from alto_streams.pipeline import Pipeline

app = typer.Typer(no_args_is_help=True, help="Look at the pipeline that the stack runs.")


class Format(StrEnum):
    """How to print the graph."""

    TREE = "tree"
    MERMAID = "mermaid"
    JSON = "json"
    YAML = "yaml"


@app.callback()
def group() -> None:
    """Look at the pipeline that the stack runs."""


PipelineTarget = Annotated[
    str | None,
    typer.Argument(
        help="module:attribute or a pipeline.yaml.",
        metavar="PIPELINE",
        show_default="ALTO_PIPELINE, or what the running stack runs",
    ),
]


@app.command()
def show(
    pipeline: PipelineTarget = None,
    format: Annotated[
        Format,
        typer.Option(
            "--format", "-f", help="tree for people, mermaid for a picture, json for programs, yaml for pipeline.yaml"
        ),
    ] = Format.TREE,
) -> None:
    """Print the graph: every stage, what it emits, what its records are grouped by, and its topic.

    Examples:

      alto pipeline show

      alto pipeline show -f mermaid > pipeline.mmd

      alto pipeline show -f yaml > pipeline.yaml

      alto pipeline show my.module:graph

      alto pipeline show pipeline.yaml
    """
    from rich.console import Console

    from alto_streams.cli.connection import chosen_pipeline
    from alto_streams.describe import describe, mermaid
    from alto_streams.pipeline import load
    from topics import names

    loaded = load(pipeline or chosen_pipeline())
    if format is Format.MERMAID:
        typer.echo(mermaid(loaded))
    elif format is Format.JSON:
        rows = [{**asdict(s), "topic": names.stage_input(loaded.name, s.name)} for s in describe(loaded)]
        typer.echo(json.dumps({"pipeline": loaded.name, "stages": rows}, indent=2))
    elif format is Format.YAML:
        from alto_streams.deployment import pipeline_yaml

        typer.echo(pipeline_yaml(loaded), nl=False)
    else:
        Console().print(tree(loaded))


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A pipeline.yaml, as `alto pipeline show -f yaml` prints it.")],
) -> None:
    """Hold a pipeline.yaml against the code: exit code 1, with line and column, where they differ.

    Examples:

      alto pipeline check pipeline.yaml
    """
    from alto_streams.deployment import check_pipeline
    from alto_streams.pipeline import load
    from alto_streams.settings import settings

    target = settings().pipeline
    found = check_pipeline(file, load(target))
    typer.echo(f"{file} agrees with {target}: {len(found.stages)} stages, {len(found.queues)} queues.")


def tree(pipeline: Pipeline) -> Tree:
    """The graph from the questions down; a stage that reads several others stands under the first."""
    from rich.tree import Tree

    from alto_streams.describe import describe
    from topics import names

    stages = {stage.name: stage for stage in describe(pipeline)}
    root = Tree(f"[bold]{pipeline.name}[/bold]  [dim]from {names.questions(pipeline.name)}[/dim]")
    shown: set[str] = set()

    def grow(parent: Tree, name: str) -> None:
        if name in shown:
            parent.add(f"[cyan]{name}[/cyan] [dim](above)[/dim]")
            return
        shown.add(name)
        stage, plan = stages[name], pipeline.plan.stage(name)
        lines = [
            f"[bold cyan]{name}[/bold cyan] [dim]{stage.kind}{', pool ' + stage.pool if stage.pool else ''}[/dim]",
            f"emits {stage.emits}",
            f"grouped by {stage.key}" if stage.key else "[dim]unconstrained[/dim]",
            f"[dim]{names.stage_input(pipeline.name, name)}[/dim]",
        ]
        branch = parent.add("\n".join(lines))
        for target in dict.fromkeys(t.stage for t in plan.readers):
            grow(branch, target)

    for target in pipeline.plan.sources:
        if target.stage != "coordinator":
            grow(root, target.stage)
    return root
