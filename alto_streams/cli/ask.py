"""`alto ask`: one question streamed to the terminal, or many from a file."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alto_streams.errors import AltoError, InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

    from alto_streams.cli.questions import AskedQuestion
    from alto_streams.client import AltoClient
    from alto_streams.events import Event


def ask(
    question: Annotated[
        str | None, typer.Argument(help="The question; - reads many from standard input.", show_default=False)
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Read many questions from this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one event a line, for programs.")] = False,
    concurrency: Annotated[int, typer.Option(min=1, help="Of many questions, how many to ask at once.")] = 8,
    deadline: Annotated[
        float | None, typer.Option(min=1, help="Seconds that one question may take.", show_default="ALTO_DEADLINE_MS")
    ] = None,
    brokers: Annotated[
        str, typer.Option(help="host:port of the Kafka to use.", show_default="that of the running stack")
    ] = "",
) -> None:
    """Asks a question and streams what the pipeline makes of it.

    FacTool: the answer's sentences appear as they are written, under each its
    claims. A claim turns from "checking" to its verdict, with p, the
    probability that it is true, and the title of the passage that it rests on.

    Any other pipeline: each item that it publishes appears with its type,
    under the one that it descends from; at the end, the outcome.

    [bold]One question[/bold]

      alto ask "Who wrote The Old Man and the Sea?"
      alto ask --json "Who wrote Hamlet?" | jq -r '.claim // empty'

    [bold]Many[/bold]: one a line, or JSON lines with "text" or "question", and
    perhaps "question_id"

      alto ask --file questions.txt --concurrency 16
      head -20 questions.jsonl | alto ask --json - > events.jsonl

    With --json each line is an object. Its "type" is sentence, claim,
    verified_claim or outcome, or what another pipeline publishes with its
    "value"; its "question_id" says which question it is of. The outcome is a
    question's last line, also when the broker is lost.

    Ctrl-C cancels what is still open: the stages stop their work on it.

    Exit code: 0 when every question completed, 1 when one failed, 130 after Ctrl-C.
    """
    from alto_streams.cli.questions import AskedQuestion, read_questions

    if (question is None) == (file is None):
        raise typer.BadParameter('give either a question, as in alto ask "Who wrote Hamlet?", or --file FILE')
    if file is not None:
        asked = read_questions(_lines(file), str(file))
    elif question == "-":
        asked = read_questions(sys.stdin, "standard input")
    else:
        asked = [AskedQuestion(question or "")]
    one = file is None and question != "-"
    complete = asyncio.run(_ask_all(asked, one, brokers, as_json, concurrency, deadline))
    if not complete:
        raise typer.Exit(1)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("unreadable_file", f"{file} cannot be read ({error}).", "name a text file") from None


async def _ask_all(
    asked: list[AskedQuestion], one: bool, brokers: str, as_json: bool, concurrency: int, deadline_s: float | None
) -> bool:
    """Whether every question completed."""
    from rich.console import Console

    from alto_streams.cli.connection import brokers_and_pipeline
    from alto_streams.cli.render import show
    from alto_streams.client import AltoClient

    brokers, pipeline = brokers_and_pipeline(brokers)
    async with AltoClient(brokers, pipeline, deadline_s=deadline_s, cancels=True) as client:
        if one and as_json:
            return await _print_events(client, asked[0])
        if one and not client.types.factool:
            from alto_streams.cli.items import follow

            return await follow(client.ask(asked[0].text), asked[0].text, Console())
        if one:
            summary = await show(client, asked[0].text, Console())
            return summary.outcome.status == "complete"
        return await _ask_many(client, asked, as_json, concurrency)


async def _ask_many(client: AltoClient, asked: list[AskedQuestion], as_json: bool, concurrency: int) -> bool:
    """Asks `concurrency` at a time, in the order given; shows each question's answer whole, when it ends."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    # Where bar and answers share a terminal, only the bar's own console can print above it.
    bars = Console(stderr=True)
    answers = bars if bars.is_terminal and sys.stdout.isatty() else Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    waiting, failed = iter(asked), 0
    with Progress(*columns, console=bars, disable=not bars.is_terminal) as progress:
        bar = progress.add_task("asking", total=len(asked))

        async def work() -> None:
            nonlocal failed
            for question in waiting:
                report = _report if client.types.factool else _report_items
                complete = await (_print_events(client, question) if as_json else report(client, question, answers))
                failed += not complete
                progress.update(bar, advance=1, description=f"asking, {failed} failed" if failed else "asking")

        await asyncio.gather(*(work() for _ in range(min(concurrency, len(asked)))))
    return not failed


async def _print_events(client: AltoClient, asked: AskedQuestion) -> bool:
    """One event a line. A question that gets no outcome from the pipeline gets one here: each has exactly one."""
    from uuid import uuid4

    from alto_streams.events import EndEvent, OutcomeEvent
    from alto_streams.failure import Failure

    question_id = asked.question_id or uuid4().hex
    event: Event
    try:
        async for event in client.ask(asked.text, question_id=question_id):
            print(json.dumps(event.to_json(), ensure_ascii=False), flush=True)
    except AltoError as error:
        failure = Failure("client", getattr(error, "kind", "no_outcome"), str(error))
        event = EndEvent(question_id, "failed", None, failure)
        if client.types.factool:
            event = OutcomeEvent(question_id, "failed", (), failure)
        print(json.dumps(event.to_json(), ensure_ascii=False), flush=True)
    return isinstance(event, (OutcomeEvent, EndEvent)) and event.status == "complete"


async def _report(client: AltoClient, asked: AskedQuestion, console: Console) -> bool:
    """Prints one of many answers when it is whole, so that answers do not mix."""
    from rich.text import Text

    from alto_streams.cli.render import AnswerTree, Stopwatch, plain_lines, print_plain

    watch, complete, end = Stopwatch(asked.text), False, Text()
    events: list[Event] = []
    try:
        async for event in client.ask(asked.text, question_id=asked.question_id):
            events.append(event)
            if summary := watch.note(event):
                complete = summary.outcome.status == "complete"
                end = Text(summary.line(), "dim" if complete else "red")
    except AltoError as error:
        end = Text(f"failed: {error}", "red")
    if console.is_terminal:
        tree = AnswerTree(asked.text)
        for event in events:
            tree.receive(event)
        console.print(tree)
    else:
        for line in plain_lines(events, asked.text):
            print_plain(console, line)
    print_plain(console, end.append("\n"))
    return complete


async def _report_items(client: AltoClient, asked: AskedQuestion, console: Console) -> bool:
    """The same for a pipeline that is not FacTool."""
    from rich.text import Text

    from alto_streams.cli.items import ItemTree, Tally, plain_lines, show_end
    from alto_streams.cli.render import print_plain

    tally, tree, failed = Tally(), ItemTree(asked.text), ""
    events: list[Event] = []
    try:
        async for event in client.ask(asked.text, question_id=asked.question_id):
            events.append(event)
            tree.receive(event)
            tally.note(event)
    except AltoError as error:
        failed = f"failed: {error}"
    if console.is_terminal:
        console.print(tree)
    else:
        for line in plain_lines(events, asked.text):
            print_plain(console, line)
    if tally.end is not None:
        show_end(tally, console)
    print_plain(console, Text(f"{failed}\n" if failed else "", "red"))
    return tally.complete
