"""The client on a real broker, against a pipeline that answers by a script."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from uuid import uuid4

import pytest

from alto_streams.client import AltoClient, ClientClosed, QuestionTimeout
from alto_streams.errors import BrokerError, InvalidInput
from alto_streams.events import Event, VerifiedClaimEvent
from schemas.question_pb2 import Question
from tests.pipelines.scripted import (
    Say,
    ScriptedPipeline,
    complete,
    failed,
    message,
    ordinary,
    sentence,
    verified,
    watched,
)
from tests.pipelines.scripted import (
    pipeline as pipeline_of_cli,
)
from topics import names
from topics.definitions import TopicDefinition
from topics.provision import provision

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pipeline(kafka) -> Iterator[ScriptedPipeline]:
    with ScriptedPipeline(kafka.bootstrap, f"client-{uuid4().hex[:8]}") as running:
        yield running


@pytest.fixture(autouse=True)
def ordinary_script(pipeline: ScriptedPipeline) -> None:
    pipeline.script = ordinary
    pipeline.asked.clear()


@pytest.fixture
async def client(kafka, pipeline: ScriptedPipeline):
    async with AltoClient(kafka.bootstrap, pipeline.name, deadline_s=20) as opened:
        yield opened


ORDINARY = [("verified_claim", "0.1-b"), ("verified_claim", "0.0-b"), ("outcome", "")]


async def everything(client: AltoClient, text: str, **more: object) -> list[Event]:
    return [event async for event in client.ask(text, **more)]  # type: ignore[arg-type]


def read(events: list[Event]) -> list[tuple[str, str]]:
    """Type and id, the order that a test looks at."""
    return [(e.type, getattr(e, "claim_id", "") or getattr(e, "sentence_id", "")) for e in events]


async def test_one_question_streams_its_events_and_ends_with_the_outcome(client, pipeline):
    progress_was_read = threading.Event()

    def script(question: Question) -> list[Say]:
        pipeline.publish(question.question_id, watched(question))
        assert progress_was_read.wait(20)
        return ordinary(question)

    pipeline.script = script
    events: list[Event] = []
    async for event in client.ask("Who?", question_id="one", deadline_s=7):
        events.append(event)
        if len(events) == 3:
            progress_was_read.set()

    assert [(q.question_id, q.text, q.deadline_ms) for q in pipeline.asked] == [("one", "Who?", 7000)]
    assert read(events[:3]) == [("sentence", "0-a"), ("claim", "0.0-b"), ("claim", "0.1-b")]
    assert read(events[3:]) == ORDINARY
    assert {event.question_id for event in events} == {"one"}
    refuted, supported, outcome = events[3:]
    assert (refuted.verdict, refuted.score, refuted.claim) == ("refuted", 0.25, "Who? second")
    assert supported.evidence[0].title == "About Who? first"
    assert outcome.status == "complete"
    assert outcome.claims == (supported, refuted)


async def test_interleaved_questions_get_only_their_own_events(client, pipeline):
    waiting: list[Question] = []

    def script(question: Question) -> list[Say]:
        waiting.append(question)
        if len(waiting) == 3:
            for says in zip(*(ordinary(q) for q in waiting), strict=True):
                for q, say in zip(waiting, says, strict=True):
                    pipeline.publish(q.question_id, [say])
        return []

    pipeline.script = script
    answers = await asyncio.gather(*(everything(client, text) for text in ("A", "B", "C")))
    for text, events in zip("ABC", answers, strict=True):
        assert read(events) == ORDINARY
        assert {e.claim for e in events if isinstance(e, VerifiedClaimEvent)} == {f"{text} first", f"{text} second"}


async def test_two_hundred_questions_at_once(client):
    answers = await asyncio.gather(*(everything(client, f"Q{n}") for n in range(200)))
    for n, events in enumerate(answers):
        assert read(events) == ORDINARY
        assert [c.claim for c in events[-1].claims] == [f"Q{n} first", f"Q{n} second"]


async def test_duplicates_are_dropped(client, pipeline):
    pipeline.script = lambda question: [say for say in ordinary(question) for _ in range(3)]
    events = await everything(client, "Twice?")
    assert read(events) == ORDINARY


async def test_a_claim_that_the_outcome_overtook_is_yielded_before_it(client, pipeline):
    late = message("0.0-b", "Late.")
    pipeline.script = lambda _: [complete(late), verified("0.0-b", "Late.")]
    events = await everything(client, "Overtaken?")
    assert read(events) == [("verified_claim", "0.0-b"), ("outcome", "")]


async def test_a_failed_question_ends_with_its_failure_and_the_claims_so_far(client, pipeline):
    pipeline.script = lambda _: [failed("rerank", "stage_failed", "It broke.", message("0.0-b", "Kept."))]
    events = await everything(client, "Broken?")
    assert read(events) == [("verified_claim", "0.0-b"), ("outcome", "")]
    outcome = events[-1]
    assert outcome.status == "failed"
    assert outcome.failure == ("rerank", "stage_failed", "It broke.")
    assert [c.claim for c in outcome.claims] == ["Kept."]


async def test_records_of_unknown_types_and_other_questions_are_skipped(client, pipeline):
    pipeline.publish("not-asked-here", [Say(names.verified_claims, "outcome", "", b"\xff broken")])
    pipeline.script = lambda q: [Say(names.verified_claims, "heartbeat", "", b"\xff"), *ordinary(q)]
    assert read(await everything(client, "Skip?")) == ORDINARY


async def test_a_broken_record_is_a_typed_error(client, pipeline):
    pipeline.script = lambda _: [Say(names.progress, "claim", "0.0-b", b"\xff")]
    with pytest.raises(InvalidInput, match="not a valid claim"):
        await everything(client, "Broken record?")


async def test_leaving_early_forgets_the_question(client, pipeline):
    pipeline.script = lambda _: [sentence("0-a", "Only this.")]
    async with aclosing(client.ask("Left?", question_id="left")) as events:
        async for event in events:
            assert event.type == "sentence"
            break
    pipeline.script = ordinary
    assert read(await everything(client, "Back?", question_id="left")) == ORDINARY


async def test_an_id_in_flight_is_refused(client, pipeline):
    pipeline.script = lambda _: [sentence("0-a", "Still open.")]
    async with aclosing(client.ask("First?", question_id="same")) as events:
        await anext(events)
        with pytest.raises(InvalidInput, match="in flight"):
            await everything(client, "Second?", question_id="same")


async def test_ids_that_the_pipeline_could_not_answer_to_are_refused(client):
    with pytest.raises(InvalidInput, match="usable id"):
        await everything(client, "Bell?", question_id="\a")


async def test_no_outcome_by_the_deadline_is_an_error(kafka, pipeline):
    pipeline.script = lambda _: [sentence("0-a", "And then silence.")]
    async with AltoClient(kafka.bootstrap, pipeline.name, margin_s=0.1) as client:
        with pytest.raises(QuestionTimeout, match="deadline"):
            await everything(client, "Silent?", deadline_s=0.2)


async def test_closing_the_client_ends_open_questions(kafka, pipeline):
    pipeline.script = lambda _: [sentence("0-a", "Open.")]
    async with AltoClient(kafka.bootstrap, pipeline.name) as client:
        events = client.ask("Open?")
        await anext(events)
    with pytest.raises(ClientClosed):
        await anext(events)
    with pytest.raises(ClientClosed):
        await everything(client, "Too late?")
    assert not [thread for thread in threading.enumerate() if thread.name == "alto-tail"]


async def test_a_question_too_large_for_a_record_is_refused(client):
    with pytest.raises(InvalidInput, match="larger"):
        await everything(client, "long " * 400_000)


async def test_partitions_added_while_listening_are_read(kafka, client, pipeline):
    topic = names.verified_claims(pipeline.name)
    opened = asyncio.Event()
    added: list[Question] = []
    pipeline.script = lambda q: added.append(q) or [sentence("0-a", "Open.")]

    async def ask() -> list[Event]:
        seen = []
        async for event in client.ask("Grown?"):
            seen.append(event)
            opened.set()
        return seen

    asking = asyncio.create_task(ask())
    await opened.wait()
    await asyncio.to_thread(provision, kafka.bootstrap, [TopicDefinition(topic, 6)])
    pipeline.refresh(topic)
    pipeline.publish(added[0].question_id, [complete()._replace(partition=5)])
    assert [event.type for event in await asking] == ["sentence", "outcome"]


async def test_an_unreachable_broker_is_one_error():
    with pytest.raises(BrokerError, match=r"No Kafka broker answers at 127\.0\.0\.1:9"):
        async with AltoClient("127.0.0.1:9"):
            pass


async def test_a_missing_pipeline_is_one_error(kafka):
    with pytest.raises(BrokerError, match=r"no usable topic nowhere\.verified-claims"):
        async with AltoClient(kafka.bootstrap, "nowhere"):
            pass


def alto(brokers: str, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "ALTO_PIPELINE": "tests.pipelines.scripted:pipeline"}
    env["SCRIPTED_PIPELINE"] = pipeline_of_cli.name
    command = [sys.executable, "-m", "alto_streams.cli.main", "ask", "--brokers", brokers, *arguments]
    return subprocess.run(command, input=typed, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def cli_pipeline(kafka) -> Iterator[ScriptedPipeline]:
    def script(question: Question) -> list[Say]:
        if "fail" in question.text:
            return [failed("answer", "stage_failed", "Told to.")]
        return ordinary(question)

    with ScriptedPipeline(kafka.bootstrap, pipeline_of_cli.name, script) as running:
        yield running


def test_alto_ask_prints_plain_lines_to_a_pipe(kafka, cli_pipeline):
    done = alto(kafka.bootstrap, "Who?")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "question   Who?"
    assert "verdict    ✘ refuted p 0.25  Who? second  [About Who? second]" in lines
    assert lines[-1].startswith("complete: 2 claims (1 supported, 1 refuted); ")


def test_alto_ask_json_prints_one_event_a_line(kafka, cli_pipeline):
    done = alto(kafka.bootstrap, "--json", "Who?")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert [event["type"] for event in events] == ["verified_claim", "verified_claim", "outcome"]
    assert events[-1]["status"] == "complete"
    assert len({event["question_id"] for event in events}) == 1


def test_alto_ask_reads_many_questions_and_exits_1_when_one_fails(kafka, cli_pipeline):
    lines = "".join(f"Question {n}\n" for n in range(20)) + '{"question": "fail", "id": "bad"}\n'
    done = alto(kafka.bootstrap, "--json", "-", typed=lines)
    outcomes = [event for event in map(json.loads, done.stdout.splitlines()) if event["type"] == "outcome"]
    assert done.returncode == 1
    assert len(outcomes) == 21
    assert [o["question_id"] for o in outcomes if o["status"] == "failed"] == ["bad"]


def test_alto_ask_shows_the_answers_of_a_file_whole(kafka, cli_pipeline, tmp_path):
    file = tmp_path / "questions.txt"
    file.write_text("One?\n\nTwo?\n")
    done = alto(kafka.bootstrap, "--file", str(file))
    assert done.returncode == 0, done.stderr
    blocks = done.stdout.strip().split("\n\n")
    assert sorted(block.splitlines()[0] for block in blocks) == ["question   One?", "question   Two?"]
    assert all(len(block.splitlines()) == 4 for block in blocks)


def test_alto_ask_without_a_broker_says_so_in_one_line():
    done = alto("127.0.0.1:9", "Who?")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "No Kafka broker answers at 127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_plain_kafka_example_runs(kafka, cli_pipeline):
    example = ROOT / "examples" / "plain_kafka.py"
    done = subprocess.run(
        [sys.executable, str(example), kafka.bootstrap, "Who?", cli_pipeline.name],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "REFUTED 0.25 Who? second",
        "SUPPORTED 0.75 Who? first",
        "COMPLETE: 2 claims",
    ]
