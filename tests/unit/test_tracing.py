"""Spans without Kafka: ids and parents from ancestry, runs that fail or are cancelled, and nothing at all when off."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from time import time_ns
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from requests import sessions

from alto_streams.ancestry import Ancestry, Attempt
from alto_streams.context import Context
from alto_streams.effects import Send
from alto_streams.engines.emulated import EmulatedEngine
from alto_streams.engines.emulated.clock import VirtualClock
from alto_streams.engines.protocol import Prompt, Sampling
from alto_streams.errors import EngineError, SettingError
from alto_streams.execution import StageLogic
from alto_streams.operators import Collect
from alto_streams.pipeline import Pipeline
from alto_streams.record import HEADER, Kind, Record, encode_header
from alto_streams.runtime import instance as runtime
from alto_streams.runtime.instance import now_ms
from alto_streams.runtime.tracing import TracedInstance, Tracing, start
from alto_streams.runtime.tracing.identity import Identities
from alto_streams.runtime.tracing.ids import part_id, sampled, span_id, trace_id
from alto_streams.runtime.tracing.lines import Lines
from alto_streams.runtime.tracing.observed import Observation
from alto_streams.runtime.tracing.producers import Made, Producers
from alto_streams.runtime.tracing.session import session
from alto_streams.settings import Settings, settings
from tests.pipelines.small import pipeline as small
from tests.unit.outboxes import Outbox

ROOT = Path(__file__).parents[2]
MESSAGE = SimpleNamespace(timestamp=1.5, received=2)
A, B, C = Attempt(1, 0), Attempt(1, 4), Attempt(2, 0)


def test_ids_depend_on_question_stage_item_and_attempt_alone() -> None:
    sentence = Ancestry("q").child(0, A)
    ids = [
        span_id("answer", sentence),
        span_id("claims", sentence),
        span_id("answer", Ancestry("q").child(1, A)),
        span_id("answer", Ancestry("q").child(0, B)),
        span_id("answer", sentence, A),
        span_id("answer", sentence, part="1"),
        part_id(span_id("answer", sentence), 0),
        part_id(span_id("answer", sentence), 1),
        span_id("answer", Ancestry("r").child(0, A)),
    ]
    assert len(set(ids)) == len(ids)
    assert span_id("answer", Ancestry.at("q", sentence.path)) == ids[0]
    assert trace_id("a question") == trace_id("a question") != trace_id("another")
    assert len(trace_id("a question")) == 32
    assert trace_id("0" * 32) != "0" * 32  # which is no valid trace


def test_a_share_of_the_questions_is_sampled() -> None:
    questions = [f"question {number}" for number in range(4000)]
    assert sum(sampled(question, 0.1) for question in questions) == pytest.approx(400, abs=80)
    assert not any(sampled(question, 0.0) for question in questions)
    assert all(sampled(question, 0.5) for question in questions if sampled(question, 0.1))


QUESTION = Ancestry("q")
SENTENCE, CLAIM = QUESTION.child(0, A), QUESTION.child(0, A).child(2, B)
QUERY, TOKEN = CLAIM.child(1, C), CLAIM.child(1, C).child(3, C)


@pytest.mark.parametrize(
    ("reader", "port", "kind", "ancestry", "attempt", "made"),
    [
        ("answer", 0, Kind.ITEM, QUESTION, A, Made("coordinator", QUESTION, None)),
        ("extract_claims", 0, Kind.ITEM, SENTENCE, A, Made("answer", QUESTION, A)),
        ("generate_queries", 0, Kind.ITEM, CLAIM, A, Made("extract_claims", SENTENCE, B)),
        ("encode_query", 0, Kind.ITEM, QUERY, A, Made("generate_queries", CLAIM, C)),
        ("sorted_words", 0, Kind.ITEM, TOKEN, A, Made("generate_queries", CLAIM, C)),
        ("sorted_words", 0, Kind.COUNT, QUERY, C, Made("generate_queries", CLAIM, C)),
        ("rerank", 0, Kind.ITEM, QUERY, A, Made("sorted_words", QUERY, None)),
        ("rerank", 1, Kind.EMPTY, QUERY, A, Made("encode_query", QUERY, None)),
        ("appraise", 0, Kind.ITEM, CLAIM, A, Made("extract_claims", SENTENCE, B)),
        ("appraise", 1, Kind.ITEM, QUERY, A, Made("rerank", QUERY, None)),
        ("appraise", 1, Kind.COUNT, CLAIM, C, Made("generate_queries", CLAIM, C)),
        ("coordinator", 1, Kind.ITEM, CLAIM, A, Made("appraise", CLAIM, None)),
        ("coordinator", 1, Kind.COUNT, SENTENCE, B, Made("extract_claims", SENTENCE, B)),
        ("coordinator", 1, Kind.COUNT, QUESTION, A, Made("answer", QUESTION, A)),
    ],
)
def test_who_made_a_record(
    reader: str, port: int, kind: Kind, ancestry: Ancestry, attempt: Attempt, made: Made
) -> None:
    record = Record(kind, port, ancestry, 1, 1, b"", 1, attempt)
    assert Producers(small.plan, small.plan.stage(reader)).of(record) == made


class Kept:
    """A sink that a test looks into."""

    every_s = 0.02

    def __init__(self, identities: Identities) -> None:
        self.lines: list[dict[str, Any]] = []
        self.fails, self.closed = 0, False
        self._line = Lines(identities)

    def write(self, seen: list[Observation]) -> None:
        self.fails -= 1
        if self.fails >= 0:
            raise ConnectionError("no collector")
        self.lines += map(self._line, seen)

    def close(self) -> None:
        self.closed = True


class Rig:
    """A traced instance of a stage that runs `function` on an emulated engine; or of `whole`, which reads its items."""

    def __init__(self, function: Any, share: float = 1.0, name: str = "stage") -> None:
        pipeline = Pipeline("p", source=bytes)
        items = pipeline.source.expand(function, "item", name="stage", concurrency=8, uses="lm")
        whole = items.aggregate(Collect()).map(joined, name="whole")
        pipeline.output(whole, "whole", conclude=lambda question, items, failure: b"")
        stage = pipeline.plan.stage(name)
        self.identities = Identities(pipeline.plan, stage, "7")
        self.kept = Kept(self.identities)
        self.tracing = Tracing(self.kept, share)
        engine = EmulatedEngine(clock=VirtualClock())
        outbox: Any = Outbox(instant=True)
        self.offsets = count(3)
        self.instance = TracedInstance(StageLogic(stage), outbox, engine, self._fatal, True, self.tracing)

    async def _fatal(self, error: BaseException) -> None:
        raise error

    async def receive(self, question: str, kind: Kind = Kind.ITEM, deadline_ms: int = 60_000) -> None:
        await self.take(Record(kind, 0, Ancestry(question), 1, now_ms() + deadline_ms, b"x"))

    async def take(self, record: Record) -> Any:
        """Its message."""
        message = SimpleNamespace(
            partition=0,
            offset=next(self.offsets),
            key=b"",
            value=b"x",
            generation_id=1,
            timestamp=1.5,
            received=time_ns(),
            headers=[(HEADER, encode_header(record))],
        )
        await self.instance.receive(SimpleNamespace(message=message, ack=lambda: None))
        return message

    async def lines(self) -> list[dict[str, Any]]:
        for _ in range(2000):
            await asyncio.sleep(0)
        await self.instance.close()
        await asyncio.to_thread(self.tracing.close)
        assert self.kept.closed
        return self.kept.lines


async def two(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
    said = [text async for text in ctx.engine.generate(Prompt("two", ()).ask("Why so?"), Sampling(max_tokens=3))]
    yield said[0].encode()
    await ctx.engine.score(Prompt("two", ()), ["Yes", "No"])
    yield b"second"


async def joined(items: list[bytes], ctx: Context) -> bytes:
    return b"".join(items)


async def stuck(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
    yield b"first"
    await asyncio.Event().wait()


async def test_a_run_with_its_outputs_and_engine_requests() -> None:
    rig = Rig(two)
    await rig.receive("q")
    [line] = await rig.lines()
    assert (line["question"], line["path"], line["attempt"]) == ("q", [], [1, 12288])
    assert "failure" not in line
    assert line["parent"] == span_id("coordinator", Ancestry("q"))
    assert line["sent"] == 1_500_000_000
    assert line["received"] <= line["begun"] <= line["ended"]
    assert [output[1:] for output in line["outputs"]] == [
        ["item", [0], 8, ["whole"]],
        ["item", [1], 6, ["whole"]],
        ["count", [], 2, ["whole"]],
    ]
    generated, scored = line["engine"]
    assert generated["prompt"] == "two"
    assert sum(words for _, words in generated["chunks"]) == 3
    assert len(scored["chunks"]) == 1


async def test_a_cancelled_run_says_so() -> None:
    rig = Rig(stuck)
    await rig.receive("q")
    await asyncio.sleep(0.01)
    await rig.receive("q", Kind.ENDED)
    [line] = await rig.lines()
    assert (line["status"], line["failure"]) == ("cancelled", "cancelled")
    assert len(line["outputs"]) == 1


async def test_a_run_past_its_deadline_says_so() -> None:
    rig = Rig(stuck)
    await rig.receive("q", deadline_ms=20)
    await asyncio.sleep(0.1)
    [line] = await rig.lines()
    assert (line["status"], line["failure"]) == ("cancelled", "deadline_exceeded")


async def test_each_try_is_a_span(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "RETRY_AFTER_S", 0.0)
    tries = iter([EngineError("away"), EngineError("away"), ValueError("wrong")])

    async def fails(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
        raise next(tries)
        yield b""

    rig = Rig(fails)
    await rig.receive("q")
    lines = await rig.lines()
    assert [line["failure"] for line in lines] == ["engine_failed", "engine_failed", "stage_failed"]
    assert {line["status"] for line in lines} == {"failed"}
    assert len({line["span"] for line in lines}) == 3
    assert all(line["outputs"] == [] for line in lines)


async def test_what_a_run_collected_begins_with_its_first_record() -> None:
    rig = Rig(two, name="whole")
    run = Attempt(1, 4)
    made = [Record(Kind.ITEM, 0, Ancestry("q").child(i, run), 1, now_ms() + 60_000, b"x") for i in range(2)]
    first = await rig.take(made[1])
    await rig.take(made[0])
    last = await rig.take(Record(Kind.COUNT, 0, Ancestry("q"), 1, now_ms() + 60_000, b"", 2, run))
    [line] = await rig.lines()
    assert line["fold"] == [1.5e9, first.received, 3]
    assert (line["read"], line["received"], line["read_path"]) == ("count", last.received, [])
    assert line["parent"] == span_id("stage", Ancestry("q"), run)
    assert first.received < last.received <= line["begun"] <= line["ended"]
    assert [output[1:] for output in line["outputs"]] == [["item", [], 2, ["coordinator"]]]


async def test_a_record_that_cannot_be_read_shows() -> None:
    rig = Rig(two, name="whole")
    await rig.take(Record(Kind.ITEM, 7, Ancestry("q").child(0, A), 1, now_ms() + 60_000, b""))
    [line] = await rig.lines()
    assert (line["status"], line["failure"], line["begun"]) == ("failed", "unknown_port", line["ended"])


async def test_questions_that_are_not_sampled_leave_no_trace() -> None:
    rig = Rig(two, share=0.5)
    questions = [f"q{number}" for number in range(40)]
    for question in questions:
        await rig.receive(question)
    traced = {line["question"] for line in await rig.lines()}
    assert traced == {question for question in questions if sampled(question, 0.5)}
    assert 0 < len(traced) < len(questions)


async def test_a_sink_that_fails_stops_nothing() -> None:
    rig = Rig(two)
    rig.kept.fails = 1
    await rig.receive("lost")
    await asyncio.sleep(0.1)
    await rig.receive("kept")
    assert [line["question"] for line in await rig.lines()] == ["kept"]


class Collector(BaseHTTPRequestHandler):
    """Takes OTLP over HTTP."""

    received: list[ExportTraceServiceRequest]

    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Not on the terminal."""


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[ExportTraceServiceRequest]]:
    received: list[ExportTraceServiceRequest] = []
    handler = type("Handler", (Collector,), {"received": received})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        yield received
        server.shutdown()
        thread.join()


async def test_spans_reach_a_collector(collector: list[ExportTraceServiceRequest]) -> None:
    from alto_streams.runtime.tracing.otlp import Collector as Sink

    rig = Rig(two)
    rig.tracing._sink = Sink("p", rig.identities)
    rig.kept.closed = True
    await rig.receive("q")
    await rig.lines()
    groups = [group for request in collector for group in request.resource_spans]
    [service] = {a.value.string_value for g in groups for a in g.resource.attributes if a.key == "service.name"}
    assert service == "p.stage"
    run, generated, scored = [span for group in groups for scope in group.scope_spans for span in scope.spans]
    assert run.name == "stage"
    assert run.trace_id.hex() == trace_id("q")
    assert run.parent_span_id.hex() == span_id("coordinator", Ancestry("q"))
    assert {generated.parent_span_id, scored.parent_span_id} == {run.span_id}
    assert [event.name for event in run.events] == ["item", "item"]
    assert run.start_time_unix_nano <= run.events[0].time_unix_nano <= run.end_time_unix_nano
    assert generated.name == "chat emulated"


def test_an_item_is_one_event_whoever_reads_it_and_its_words_are_none(
    collector: list[ExportTraceServiceRequest],
) -> None:
    from alto_streams.runtime.tracing.otlp import Collector as Sink

    first = Record(Kind.ITEM, 0, QUESTION.child(0, A), 1, 1, b"four")
    last = Record(Kind.LAST, 0, QUESTION.child(1, A), 1, 1, b"four")
    word, count = (Record(kind, 0, QUESTION.child(0, A).child(0, A), 1, 1, b"") for kind in (Kind.ITEM, Kind.COUNT))
    sent: list[Any] = [Send(stage, record, None) for record in (first, last, word, count) for stage in ("a", "b")]
    run = Observation(Record(Kind.ITEM, 0, QUESTION, 1, 1, b""), MESSAGE, QUESTION, A, 3)
    run.outputs.append((7, sent))
    Sink("p", Rig(two).identities).write([run])
    [span] = collector[0].resource_spans[0].scope_spans[0].spans
    assert [(event.name, event.time_unix_nano) for event in span.events] == [("item", 7)] * 2


async def test_the_environment_is_read_once_for_all_requests(
    collector: list[ExportTraceServiceRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    from alto_streams.runtime.tracing.otlp import Collector as Sink

    asked: list[Any] = []
    monkeypatch.setattr(sessions, "get_environ_proxies", lambda url, **_: asked.append(url) or {})
    sink = Sink("p", Rig(two).identities)
    for question in ("q", "r"):
        record = Record(Kind.ITEM, 0, Ancestry(question), 1, 1, b"")
        sink.write([Observation(record, MESSAGE, Ancestry(question), A, 3)])
    assert (len(collector), len(asked)) == (2, 1)


@pytest.mark.parametrize("signal", ["", "TRACES_"])
def test_a_session_that_opentelemetry_is_told_of_is_left_to_it(monkeypatch: pytest.MonkeyPatch, signal: str) -> None:
    assert session() is not None
    monkeypatch.setenv(f"OTEL_PYTHON_EXPORTER_OTLP_HTTP_{signal}CREDENTIAL_PROVIDER", "ours")
    assert session() is None


def test_a_worker_that_does_not_trace_loads_nothing_of_it(tmp_path: Path) -> None:
    said = (
        "import sys\n"
        "from alto_streams.runtime import worker\n"
        "from alto_streams.runtime.instance import Instance\n"
        "from alto_streams.settings import settings\n"
        "from tests.pipelines.small import pipeline\n"
        "made = worker.Worker(pipeline, pipeline.plan.stage('answer'), '0', settings())\n"
        "assert type(made._instance) is Instance\n"
        "print([name for name in sys.modules if name.startswith(('alto_streams.runtime.tracing', 'opentelemetry'))])\n"
    )
    argv = [sys.executable, "-c", said]
    env = {"PYTHONPATH": str(ROOT), "ALTO_BROKERS": "localhost:1", "ALTO_HOME": str(tmp_path)}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


@pytest.mark.parametrize(("name", "value"), [("TRACE", "oltp"), ("TRACE_SHARE", "1.5"), ("TRACE_SHARE", "-1")])
def test_settings_that_are_not_usable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"ALTO_{name}", value)
    settings.cache_clear()
    try:
        with pytest.raises(SettingError, match=f"ALTO_{name}='{value}' is not usable"):
            settings()
    finally:
        settings.cache_clear()


def test_without_the_extra_the_mend_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "find_spec", lambda _name: None)
    with pytest.raises(SettingError, match=r"alto-streams\[tracing\]"):
        start.start_tracing(Settings(trace="otlp"), small, small.plan.stage("answer"), "0")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="cannot be written to"):
        start.start_tracing(Settings(trace=str(tmp_path / "file")), small, small.plan.stage("answer"), "0")
