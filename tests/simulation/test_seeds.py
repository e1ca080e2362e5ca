"""Many seeds over processes: all are played, the first that fails stops them, a process that dies is an error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from alto_streams.errors import AltoError, PipelineError
from alto_streams.testing.load import load
from alto_streams.testing.seeds import Job, SeedFailed, play_seeds, undisturbed
from alto_streams.testing.simulation import simulate_case

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MODULE = """
import os
from collections.abc import AsyncIterator
from alto_streams.context import Context
from alto_streams.pipeline import Pipeline
from alto_streams.testing import Simulated
from tests.simulation.scripted import QUESTIONS, Text, conclude

async def split(question: bytes, ctx: Context) -> AsyncIterator[Text]:
    for index in range(3):
        yield Text(f"{question.decode()}{index}")

async def mark(item: Text, ctx: Context) -> Text:
    return item

pipeline = Pipeline("cases", source=bytes)
pipeline.output(pipeline.source.expand(split, "item").map(mark), "x", conclude=conclude)

def picky(seed):
    def check(result):
        assert seed != 25, "never 25"
    return Simulated(pipeline, QUESTIONS, check=check, same=False)

def deadly(seed):
    if seed == 25:
        os._exit(7)
    return Simulated(pipeline, QUESTIONS)

def broken(seed):
    raise ValueError("no such case")

def endless(seed):
    while True:
        pass

simulation = Simulated(pipeline, QUESTIONS)
number = 3
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("cases")
    (folder / "simulated_cases.py").write_text(MODULE)
    sys.path[:0] = [str(folder), str(ROOT)]  # processes that are started get it too
    yield "simulated_cases"
    del sys.path[:2]


def test_every_seed_is_played_once(module: str) -> None:
    passed: list[int] = []
    play_seeds(Job(module), range(7, 42), 2, passed.append)
    assert sorted(passed) == [5, 10, 10, 10]


def test_the_first_seed_that_fails_is_told_with_its_least_schedule(module: str) -> None:
    failing: list[int] = []
    with pytest.raises(SeedFailed, match=r"Seed 25: AssertionError: never 25(?s:.*)The least schedule") as caught:
        play_seeds(Job(f"{module}:picky"), range(100_000), 2, failing=failing.append)
    assert caught.value.seed == 25
    assert failing == [25]


def test_a_process_that_dies_is_an_error_that_says_where(module: str) -> None:
    with pytest.raises(AltoError, match="seeds 20 to 29 died with exit status 7"):
        play_seeds(Job(f"{module}:deadly"), range(40), 2)


def test_a_case_that_cannot_be_made_is_an_error(module: str) -> None:
    with pytest.raises(AltoError, match="no such case"):
        play_seeds(Job(f"{module}:broken"), range(40), 2)
    with pytest.raises(AltoError, match="nothing to simulate at 'simulated_cases:nothing'"):
        play_seeds(Job(f"{module}:nothing"), range(40), 1)


def test_what_can_be_loaded(module: str, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="int, which cannot be simulated"):
        load(f"{module}:number")
    with pytest.raises(PipelineError, match="comes without questions"):
        load(f"{module}:pipeline")
    (tmp_path / "questions.txt").write_text("one\n\ntwo\n")
    outcomes = simulate_case(load(f"{module}:pipeline", str(tmp_path / "questions.txt")), 0).outcomes
    assert outcomes == {"q1": b'["one0", "one1", "one2"]', "q2": b'["two0", "two1", "two2"]'}


def alto_simulate(*arguments: str) -> tuple[list[str], dict[str, str]]:
    command = [sys.executable, "-m", "alto_streams.cli.main", "simulate", *arguments]
    return command, {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[:2]), "NO_COLOR": "1"}


def test_the_command_says_what_passed_and_what_failed(module: str) -> None:
    command, env = alto_simulate(module, "--seeds", "20", "--jobs", "1")
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert f"{module}: seeds 0 to 19 passed" in done.stdout
    command, env = alto_simulate(f"{module}:picky", "--seeds", "4", "--from", "23", "--jobs", "1")
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=100)
    assert done.returncode == 1
    assert "Seed 25: AssertionError: never 25" in done.stdout
    assert f"alto simulate {module}:picky --from 25 --seeds 1" in done.stdout


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C, which a test run in the background ignores."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_ctrl_c_waits_until_the_processes_have_started_whichever_thread_receives_it() -> None:
    started: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        start_while_another_thread_receives_ctrl_c(started)
    assert started == [0, 1, 2]


def start_while_another_thread_receives_ctrl_c(started: list[int]) -> None:
    with undisturbed():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # as in a thread that was there before
        display = Thread(target=signal.raise_signal, args=(signal.SIGINT,))
        display.start()
        display.join()
        started.extend(range(3))


def test_ctrl_c_stops_every_process(module: str) -> None:
    command, env = alto_simulate(f"{module}:endless", "--jobs", "2")
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a test run in the background ignores it
    process, started = subprocess.Popen(command, env=env, preexec_fn=heard, **pipes), list[Path]()
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while len(children.read_text().split()) < 2 and process.poll() is None:
            time.sleep(0.05)
        started = [Path("/proc", pid) for pid in children.read_text().split()]
        process.send_signal(signal.SIGINT)
        told, said = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "stopped; 0 seeds from 0 on had passed" in told
        assert "Traceback" not in said
        while any(one.exists() for one in started):  # the one that multiprocessing adds ends by itself, a little later
            time.sleep(0.05)
    finally:
        process.kill()
        for one in started:
            with suppress(ProcessLookupError):
                os.kill(int(one.name), signal.SIGKILL)
