"""The `alto` command: what there is, and how every error becomes one line with its mend."""

from __future__ import annotations

import os
import sys
from typing import Annotated, ClassVar

import typer

from alto_streams.cli.lazy import LazyGroup
from alto_streams.errors import AltoError


class Commands(LazyGroup):
    lazy: ClassVar = {
        "demo": ("alto_streams.cli.demo:demo", "Start everything, ask three questions, stop everything."),
        "setup": ("alto_streams.cli.setup:setup", "Fetch models, corpus and Kafka, so that later starts are quick."),
        "up": ("alto_streams.cli.stack:up", "Start broker, engine and stages in the background."),
        "down": ("alto_streams.cli.stack:down", "Stop what `alto up` started."),
        "status": ("alto_streams.cli.stack:status", "Show each process with its state, restarts and memory."),
        "ask": ("alto_streams.cli.ask:ask", "Ask a question and stream what becomes of it."),
        "pipeline": ("alto_streams.cli.pipeline:app", "Show the pipeline: stages, levels, keys and topics."),
        "simulate": ("alto_streams.cli.simulate:simulate", "Play a pipeline in memory under crashes, by many seeds."),
        "topics": ("alto_streams.cli.topics:topics", "Show the topics with partitions, records and lag."),
        "model": ("alto_streams.cli.model:app", "List and fetch language models."),
        "doctor": ("alto_streams.cli.doctor:doctor", "Say what is missing on this machine, and the mend."),
    }


app = typer.Typer(
    cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich"
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"alto-streams {version('alto-streams')}")
        raise typer.Exit


@app.callback()
def alto(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Compound AI pipelines on Kafka that stream partial outputs between their stages.

    [bold]First steps[/bold]

      alto demo                      see it work, from nothing to verified claims
      alto up                        start the same stack in the background
      alto ask "Who wrote Hamlet?"   stream the verified claims of one question
      alto ask --json "..."          one event a line, for programs
      alto status                    what runs, and with how much memory
      alto down                      stop it

    [bold]Settings[/bold] are environment variables:

      ALTO_BROKERS=host:9092         use an existing Kafka
      ALTO_MODEL=file.gguf           use another language model
      ALTO_HOME=folder               run a second stack beside the first
    """


def main() -> None:
    """Runs the command line. Exit code 1 for an error, 2 for wrong usage, 130 for Ctrl-C."""
    try:
        app()
    except AltoError as error:
        report(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        report(unexpected(error))
        sys.exit(1)


def report(error: AltoError) -> None:
    """One line on standard error."""
    from rich.console import Console
    from rich.text import Text

    line = Text.assemble(("error: ", "bold red"), (error.message, "red"))
    if error.mend:
        line.append(f" Mend: {error.mend}")
    Console(stderr=True, soft_wrap=True, highlight=False).print(line)


def unexpected(error: BaseException) -> AltoError:
    """Keeps the traceback in a file of its own; who uses the command line can do little with it."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="alto-error-", suffix=".log", delete=False) as log:
        log.write(f"alto {' '.join(sys.argv[1:])}\npid {os.getpid()}\n\n")
        traceback.print_exception(error, file=log)
    return AltoError(f"{type(error).__name__}: {error}.", f"this is a bug; please report it with {log.name}")


if __name__ == "__main__":
    main()
