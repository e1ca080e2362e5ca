"""The example pipelines as a user runs them on Kafka: with their scripted models, and with the embedded one.

With a script, Kafka must give what memory gives, to the line. The embedded model answers poorly, and each example must
come to a well-formed outcome from that as well.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import psutil
import pytest
from aiohttp import web

from alto_streams.engines.emulated.server import Server
from alto_streams.pipeline import load
from ops.kafka.embedded import EmbeddedKafka

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(300)

# How many lines the scripted outcome of the default question has; of multi_hop, the answer and a fact for each hop.
LINES = {"rag": 5, "best_of_n": 1, "writer": 8, "three_streams": 2, "multi_hop": 4, "peers": 3}

# What each outcome's lines look like whatever the model says: at least so many, each of this form.
FORMS = {
    "rag": (1, r".+ \[.+\]"),
    "best_of_n": (0, r"-?[\d.]+"),
    "writer": (1, r".+"),
    "three_streams": (2, r"(kettle: .*; 25 at Bob|toaster: .*; sold out); 0\.\d\d"),
    "multi_hop": (0, r".+"),
    "peers": (0, r".+\. [01]\.\d\d"),
}


@pytest.mark.parametrize("name", LINES)
def test_kafka_gives_what_memory_gives(name: str, kafka: EmbeddedKafka, tmp_path: Path) -> None:
    wanted_items, wanted = _said(name, tmp_path)
    assert len(wanted) == LINES[name], wanted
    with _scripted_model(name) as url:
        items, lines = _said(name, tmp_path, "--kafka", ALTO_BROKERS=kafka.bootstrap, ALTO_ENGINE_URL=url)
    assert lines == wanted
    # Topics are not ordered against each other: with a model that answers at once, all that streams may be overtaken.
    assert items <= wanted_items


@pytest.mark.parametrize("name", FORMS)
def test_an_example_makes_do_with_a_poor_model(
    name: str, kafka: EmbeddedKafka, engine_url: str, tmp_path: Path
) -> None:
    items, lines = _said(name, tmp_path, "--kafka", ALTO_BROKERS=kafka.bootstrap, ALTO_ENGINE_URL=engine_url)
    pipeline = load(f"examples.pipelines.{name}:pipeline")
    first, *_ = (type for _, type in pipeline.published)
    assert any(_type(item) == first for item in items), "nothing came before the outcome"
    assert {_type(item) for item in items} <= {*(type for _, type in pipeline.published), pipeline.result_type}
    least, form = FORMS[name]
    lines = [line for line in lines if line != "nothing was found"]
    assert len(lines) >= least
    assert all(re.fullmatch(form, line) for line in lines), lines


def _said(name: str, home: Path, *arguments: str, **settings: str) -> tuple[set[str], list[str]]:
    """What an example's command shows of its items, and the outcome's lines; it must leave nothing behind."""
    env = {**os.environ, "ALTO_HOME": str(home), "ALTO_DEADLINE_MS": "240000", "NO_COLOR": "1", **settings}
    command = [sys.executable, "-m", f"examples.pipelines.{name}", *arguments]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    before, _, outcome = done.stdout.partition("outcome:\n")
    items = set(re.findall(r"^(?: *[\d.]+ s  )?(\w+(?: [\d.]+)?: .*)$", before, re.MULTILINE))
    if "--kafka" in arguments:
        assert list(home.iterdir()) == [home / "examples"]
        assert not list((home / "examples").iterdir()), "the stack left something"
        assert not [p for p in psutil.process_iter() if _works_in(p, home)], "a process was left"
    return items, [line.removeprefix("  ") for line in outcome.splitlines()]


def _type(item: str) -> str:
    return re.split("[ :]", item)[0]


@contextmanager
def _scripted_model(name: str) -> Iterator[str]:
    """The URL of a server that says what the example's script says."""
    case = import_module(f"examples.pipelines.{name}").simulation
    prompts = [stage.prompt for stage in case.pipeline.plan.stages if stage.prompt is not None]
    application = Server(case.pool, {prompt.messages[0].content: prompt.name for prompt in prompts}).application()
    loop, runner = asyncio.new_event_loop(), web.AppRunner(application)

    async def start() -> str:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    url = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield url
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def _works_in(process: psutil.Process, home: Path) -> bool:
    try:
        return str(home) in " ".join(process.environ().values())
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return False
