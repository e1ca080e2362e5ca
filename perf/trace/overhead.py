"""What tracing costs: processor time for a question, with spans and without, at the same time."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, aclosing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from threading import Thread
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from alto_streams.client import AltoClient
from alto_streams.errors import AltoError
from alto_streams.pipeline import load
from perf.live import Steps, progress_bar
from perf.load.files import BUILT_IN, drawn
from perf.machine import machine, today, versions
from perf.spread import spread
from perf.stack import Stack, stack

MODES = ("off", "files", "otlp")
BAR = 1.03
NOT_COUNTED = ("engine", "provisioning", "prompts")
NO_STAGES = ("broker", "zygote", "supervisor", *NOT_COUNTED)


def main(
    rounds: Annotated[int, typer.Option(min=1, help="How often each mode is measured.")] = 10,
    questions: Annotated[int, typer.Option(min=1, help="Questions of one measurement.")] = 40,
    at_once: Annotated[int, typer.Option(min=1, help="How many of them each stack has in flight.")] = 4,
    pipeline: Annotated[str, typer.Option(help="module:attribute.")] = "perf.factool.graph:pipeline",
    output: Annotated[Path, typer.Option(help="The result's file.")] = Path("perf/results/tracing.json"),
) -> None:
    """Measures the processor time that a stack spends on a question, its broker included, and that of its stages alone:
    without tracing, with trace files, and with OpenTelemetry spans that go to a collector on this machine. Every
    question is traced.

    Three stacks are up side by side, and answer the same questions at the same time, so that what else the machine does
    is the same for all. Ratios are taken within a round. The language model is emulated.

        python -m perf.trace.overhead

        python -m perf.trace.overhead --rounds 1 --questions 2 --output /tmp/tracing.json
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that every process is stopped then, too
    try:
        result = _run(rounds, questions, at_once, pipeline)
    except AltoError as error:
        Console(stderr=True).print(f"[red]error:[/] {error}", highlight=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(result, indent=2) + "\n")
    _show(result)
    Console().print(f"written to {output}")


def _run(rounds: int, questions: int, at_once: int, pipeline: str) -> dict[str, Any]:
    texts = drawn(list(BUILT_IN), questions, 0)
    done = []
    with ExitStack() as up, progress_bar() as progress:
        traces = up.enter_context(tempfile.TemporaryDirectory(prefix="perf-"))
        endpoint = up.enter_context(collector())
        env = {
            "off": {"ALTO_TRACE": ""},
            "files": {"ALTO_TRACE": traces},
            "otlp": {"ALTO_TRACE": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
        }
        step = Steps(progress, progress.add_task("", total=rounds))
        stacks = {
            mode: up.enter_context(stack(pipeline, env={"ALTO_ENGINE_URL": "emulated:", **env[mode]})) for mode in MODES
        }
        asyncio.run(ask_all(stacks.values(), texts, at_once))
        for number in range(rounds):
            step(f"round {number + 1} of {rounds}")
            done.append({mode: spent.of_one(questions) for mode, spent in _spent(stacks, texts, at_once).items()})
        step("done")
    return {
        "command": shlex.join(["python", "-m", "perf.trace.overhead", *sys.argv[1:]]),
        "date": today(),
        "engine": "emulated",
        "machine": machine(),
        "versions": versions(),
        **{
            f"{part}_{mode}_vs_off": _ratio([{mode: getattr(one[mode], part) for mode in MODES} for one in done], mode)
            for part in Cpu._fields
            for mode in MODES
            if mode != "off"
        },
        "cpu_ms_per_question": {
            part: {mode: spread([getattr(one[mode], part) for one in done]) for mode in MODES} for part in Cpu._fields
        },
        "rounds": [{mode: cpu._asdict() for mode, cpu in one.items()} for one in done],
    }


def _ratio(rounds: Sequence[Mapping[str, float]], mode: str) -> dict[str, Any]:
    summary = spread([one[mode] / one["off"] for one in rounds])
    return {**summary, "bar": f"<= {BAR}", "met": summary["median"] <= BAR}


class Cpu(NamedTuple):
    """Processor time: of the whole stack but its engine, and of its stages."""

    stack: float
    stages: float

    @staticmethod
    def of(running: Stack) -> Cpu:
        """In seconds since its start."""
        spent = running.cpu_s()
        return Cpu(
            sum(seconds for role, seconds in spent.items() if role not in NOT_COUNTED),
            sum(seconds for role, seconds in spent.items() if role not in NO_STAGES),
        )

    def of_one(self, questions: int) -> Cpu:
        """In milliseconds a question."""
        return Cpu(*(round(1000 * seconds / questions, 3) for seconds in self))


def _spent(stacks: Mapping[str, Stack], texts: Sequence[str], at_once: int) -> dict[str, Cpu]:
    before = {mode: Cpu.of(running) for mode, running in stacks.items()}
    asyncio.run(ask_all(stacks.values(), texts, at_once))
    after = {mode: Cpu.of(running) for mode, running in stacks.items()}
    return {mode: Cpu(*(late - early for late, early in zip(after[mode], before[mode], strict=True))) for mode in MODES}


async def ask_all(stacks: Iterable[Stack], texts: Sequence[str], at_once: int) -> None:
    """The same questions of each stack, a few at a time. All begin a question together, or one that is slower would
    have the machine to itself in the end.
    """
    async with AsyncExitStack() as connected:
        clients = [
            await connected.enter_async_context(AltoClient(running.brokers, load(running.target))) for running in stacks
        ]
        for start in range(0, len(texts), at_once):
            chosen = texts[start : start + at_once]
            await asyncio.gather(*(_answered(client, text) for text in chosen for client in clients))


async def _answered(client: AltoClient, text: str) -> None:
    async with aclosing(client.ask(text)) as events:
        async for _ in events:
            pass


class _Taker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Not on the terminal."""


@contextmanager
def collector() -> Iterator[str]:
    """The address of a collector that takes everything, in this process, so that it is in nobody's figure."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Taker) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _show(result: Mapping[str, Any]) -> None:
    columns = ("of", "tracing", "CPU ms a question", "to off", "least to most", "bar", "")
    table = Table(*columns, title="Emulated language model")
    for part, mode in product(Cpu._fields, MODES):
        ratio = result.get(f"{part}_{mode}_vs_off")
        row = [part, mode, f"{result['cpu_ms_per_question'][part][mode]['median']:.1f}"]
        if ratio is not None:
            met = "[green]met[/]" if ratio["met"] else "[red]not met[/]"
            row += [f"{ratio['median']:.3f}", f"{ratio['min']:.3f}-{ratio['max']:.3f}", ratio["bar"], met]
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
