"""`alto up`, `alto down` and `alto status`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from alto_streams.errors import AltoError

if TYPE_CHECKING:
    from rich.console import Console

    from alto_streams.settings import Settings
    from alto_streams.supervisor.control import SupervisorProcess
    from alto_streams.supervisor.state import StackState

Instances = Annotated[
    list[str] | None,
    typer.Option("--instances", metavar="STAGE=N", help="Instances of one stage; may be given several times."),
]
DeploymentFile = Annotated[
    Path | None,
    typer.Option("--deployment", "-d", metavar="FILE", help="Instances of stages and pools (docs/deployment.md)."),
]
PipelineTarget = Annotated[
    str | None,
    typer.Option(
        "--pipeline", "-p", metavar="PIPELINE", help="module:attribute or a pipeline.yaml, in place of ALTO_PIPELINE."
    ),
]


def up(
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay, and stop the stack with Ctrl-C.")] = False,
    instances: Instances = None,
    deployment: DeploymentFile = None,
    pipeline: PipelineTarget = None,
) -> None:
    """Starts the whole stack and returns when every stage is ready.

    alto up
    alto up --instances extract_claims=2 --instances bm25=4
    alto up --deployment deployment.yaml  instances from a file; --instances wins over it
    alto up --pipeline pipeline.yaml      a pipeline of your own, from a file or as module:attribute
    ALTO_BROKERS=kafka:9092 alto up       with an existing Kafka
    ALTO_HOME=/tmp/second alto up         a second stack beside the first
    """
    from rich.console import Console

    from alto_streams.cli.setup import fetch_missing
    from alto_streams.settings import settings
    from alto_streams.supervisor import control

    console = Console()
    if pipeline is not None:
        os.environ["ALTO_PIPELINE"] = pipeline  # for the processes of the stack as well
        settings.cache_clear()
    chosen = settings()
    asked = ",".join(filter(None, [chosen.instances, *(instances or [])]))
    env = {"ALTO_INSTANCES": asked}
    if deployment is not None:
        env["ALTO_DEPLOYMENT"] = str(deployment.expanduser())
    check(chosen, env)
    already = control.running(chosen.home)
    if already is not None:
        raise AltoError(
            f"a stack already runs in {chosen.home} (supervisor pid {already.supervisor_pid}).",
            "stop it with `alto down`, or set ALTO_HOME to another folder for a second one",
        )
    fetch_missing(console)
    process = control.SupervisorProcess(chosen.home, env, keep_tied=foreground)
    stop_it = True
    try:
        show_start(process, console)
        if foreground:
            console.print("Ctrl-C stops the stack.")
            process.wait()
        stop_it = False
    finally:
        if stop_it:
            stop_visibly(process, console)
    if not foreground:
        console.print(
            'Ask with [bold]alto ask "..."[/bold], look with [bold]alto status[/bold], '
            "stop with [bold]alto down[/bold]."
        )


def down(
    clean: Annotated[bool, typer.Option("--clean", help="Also remove the broker's data and all logs.")] = False,
) -> None:
    """Stops the stack in order: stages, engine, broker.

    alto down
    alto down --clean                     forget all questions, claims and logs too
    """
    from rich.console import Console

    from alto_streams.settings import settings
    from alto_streams.supervisor import control

    console = Console()
    home = settings().home
    with console.status("stopping"):
        stopped = control.stop(home)
        if clean:
            control.clean(home)
    console.print("Stopped." if stopped else f"No stack runs in {home}.")
    if clean:
        console.print(f"Removed its data from {home}.")


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Shows every process: pid, state, restarts, memory. Exit code 1 when no stack runs.

    alto status
    alto status --json | jq '.processes[] | select(.restarts > 0)'
    """
    import json

    from rich.console import Console

    from alto_streams.cli import stack_view
    from alto_streams.settings import settings
    from alto_streams.supervisor import control

    home = settings().home
    state = control.running(home)
    if state is None:
        _not_running(home, as_json)
    memory = stack_view.measured(state)
    if as_json:
        typer.echo(json.dumps(stack_view.as_json(state, memory)))
    else:
        Console().print(stack_view.running(state, memory))


def show_start(process: SupervisorProcess, console: Console) -> StackState:
    """Follows a start on the screen; the state once the stack runs. Raises AltoError when it does not come up."""
    from rich.live import Live

    from alto_streams.cli import stack_view

    with Live(console=console, refresh_per_second=10, transient=not console.is_terminal) as live:
        for state in process.follow():
            live.update(stack_view.starting(state))
    took = (state.running_at or state.started_at) - state.started_at
    console.print(f"[green]Ready[/green] after {took:.1f} s: broker at {state.brokers}.")
    return state


def stop_visibly(process: SupervisorProcess, console: Console) -> None:
    """Stops the stack; an impatient second Ctrl-C leaves that to the supervisor, which is stopping already."""
    with console.status("stopping"), suppress(KeyboardInterrupt):
        process.stop()


def check(chosen: Settings, env: Mapping[str, str]) -> None:
    """Says now, rather than when the broker is up, what is wrong with the pipeline or the counts. Raises AltoError."""
    asked, file = env["ALTO_INSTANCES"], env.get("ALTO_DEPLOYMENT", chosen.deployment)
    if not asked and file is None and chosen.pipeline == type(chosen).model_fields["pipeline"].default:
        return  # nothing that a user wrote, and its modules take a second to import
    from alto_streams.admission import check_question_type
    from alto_streams.pipeline import load
    from alto_streams.supervisor.instances import instances, parse_instances

    parse_instances(asked)
    loaded = load(chosen.pipeline)
    check_question_type(loaded.source.type, loaded.name)
    counted = chosen.model_copy(update={"instances": asked, "deployment": None if file is None else Path(file)})
    instances(loaded, counted)


def _not_running(home: Path, as_json: bool) -> NoReturn:
    import json

    from alto_streams.supervisor import state as states

    last = states.read(home)
    reason = f" The last one failed: {last.failure}" if last and last.failure else ""
    if as_json:
        failure, mend = (last.failure, last.mend) if last else ("", "")
        typer.echo(json.dumps({"phase": "stopped", "failure": failure, "mend": mend, "processes": []}))
        raise typer.Exit(1)
    raise AltoError(f"no stack runs in {home}.{reason}", (last.mend if last else "") or "start one with `alto up`")
