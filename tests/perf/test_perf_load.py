"""The load generator on a real broker, with a scripted pipeline that misbehaves and a whole stack. Nothing is timed."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.kafka.embedded import EmbeddedKafka
from perf.load.arrivals import arrivals
from perf.load.offer import Run, offer
from perf.load.report import Report
from perf.stack import stack
from schemas.question_pb2 import Question
from tests.pipelines.scripted import Say, ScriptedPipeline, failed, ordinary, pipeline, sentence

ROOT = Path(__file__).parents[2]
SAID = ("first_item", "first_sentence", "first_claim", "first_verdict", "last_verdict", "outcome")


def script(question: Question) -> list[Say]:
    if question.text == "fail":
        return [failed("answer", "stage_failed", "Told to.")]
    if question.text == "silence":
        return [sentence("0-a", "Only this.")]
    return [say for say in ordinary(question) for _ in range(2)]


@pytest.fixture(scope="module")
def scripted(kafka: EmbeddedKafka) -> Iterator[ScriptedPipeline]:
    with ScriptedPipeline(kafka.bootstrap, pipeline.name, script) as running:
        yield running


async def load(kafka: EmbeddedKafka, questions: list[str], **more: object) -> Report:
    times = arrivals(len(questions), 1, even=True)
    return await offer(kafka.bootstrap, times, questions, pipeline, **more)  # type: ignore[arg-type]


async def test_every_question_is_asked_once_with_its_deadline_and_ends(kafka, scripted):
    scripted.asked.clear()
    made = await load(kafka, ["one", "two", "fail", "four"], seconds=5.0, deadline_s=30.0, connections=3)
    assert sorted(q.text for q in scripted.asked) == ["fail", "four", "one", "two"]
    assert {q.deadline_ms for q in scripted.asked} == {30_000}
    assert len({q.question_id for q in scripted.asked}) == 4
    assert [one.error for one in made.asked] == ["", "", "answer: stage_failed", ""]
    assert made.errors == {"answer: stage_failed": 1}
    for one in (made.asked[0], made.asked[1], made.asked[3]):
        assert one.late_s is not None
        assert one.ended_s is not None
        assert one.last_output_s is not None
        assert one.late_s <= one.first_s["verified_claim"] <= one.last_output_s <= one.ended_s
    assert (made.stopped, made.lost) == (False, "")


async def test_a_question_without_an_outcome_is_a_timeout_and_what_it_showed_counts(kafka, scripted, monkeypatch):
    monkeypatch.setattr("perf.load.offer.MARGIN_S", 0.5)
    made = await load(kafka, ["silence", "two"], deadline_s=1.0)
    assert (made.errors, made.timeouts) == ({"no_outcome": 1}, 1)
    assert made.waits["outcome"].figures()["at_least"] == ["p95_s", "p99_s", "mean_s", "max_s"]
    assert len(made.waits["first_item"].ended) == 2


async def test_a_load_that_is_stopped_cancels_what_is_open_and_reports_the_rest(kafka, scripted):
    scripted.asked.clear()
    stop = asyncio.Event()

    def watch(run: Run) -> None:
        if run.sent == 4 and len(run.listener.ended) >= 2:
            stop.set()

    times = [0.0, 0.0, 0.1, 0.1, 3000.0]
    made = await offer(kafka.bootstrap, times, ["one", "silence"], pipeline, stop=stop, watch=watch)
    assert (made.stopped, made.unfinished, made.errors, len(made.measured)) == (True, 2, {}, 4)
    assert made.completed == 2
    assert made.seconds < 3000
    silent = {question.question_id for question in scripted.asked if question.text == "silence"}
    while set(scripted.cancelled) != silent:
        await asyncio.to_thread(time.sleep, 0.05)


@pytest.fixture(scope="module")
def brokers() -> Iterator[str]:
    with stack("tests.pipelines.small:pipeline", env={"ALTO_ENGINE_URL": "emulated:"}) as running:
        assert {"broker", "zygote", "supervisor", "answer", "coordinator"} <= set(running.cpu_s())
        assert all(spent > 0 for spent in running.cpu_s().values())
        assert running.restarts() == 0
        yield running.brokers
    assert not running.home.exists()


def command(brokers: str, *options: str) -> list[str]:
    argv = [sys.executable, "-m", "perf.load", "--brokers", brokers, "--pipeline", "tests.pipelines.small:pipeline"]
    return [*argv, *options]


def test_the_command_reports_on_a_running_stack(brokers, tmp_path):
    file = tmp_path / "load.json"
    options = ["--rate", "4", "--to", "6", "--seconds", "2", "--warm-up", "0.5", "--report", str(file)]
    done = subprocess.run(command(brokers, *options), capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    times = arrivals(4, 2, 6)
    assert figures["questions"] == len(times)
    assert figures["offered_per_s"] == len(times) / 2
    assert (figures["errors"], figures["timeouts"]) == ({}, 0)
    assert tuple(figures["waits"]) == SAID
    assert all(figures["waits"][name]["of"] == len(times) for name in ("first_item", "first_verdict", "outcome"))
    assert figures["command"].startswith("python -m perf.load --brokers")
    assert figures["machine"]["cpus"]
    assert all(name.replace("_", " ") in done.stdout for name in SAID[2:])


def test_ctrl_c_reports_what_there_is(brokers, tmp_path):
    file = tmp_path / "load.json"
    process = subprocess.Popen(
        command(brokers, "--rate", "5", "--seconds", "500", "--report", str(file)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert process.stderr is not None
        assert "asked" in process.stderr.readline()  # from now on it hears Ctrl-C
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, errors
    assert "stopped early" in out
    assert json.loads(file.read_text())["stopped"] is True
