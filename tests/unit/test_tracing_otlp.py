"""Spans as a collector gets them, over HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from requests import sessions

from alto_streams.ancestry import Ancestry, Attempt
from alto_streams.effects import Send
from alto_streams.errors import SettingError
from alto_streams.record import Kind, Record
from alto_streams.runtime.tracing.ids import span_id, trace_id
from alto_streams.runtime.tracing.observed import Observation
from alto_streams.runtime.tracing.otlp import Collector as Sink
from alto_streams.runtime.tracing.session import session
from tests.unit.traced import Rig, two

MESSAGE = SimpleNamespace(timestamp=1.5, received=2)
QUESTION, A = Ancestry("q"), Attempt(1, 0)


class Collector(BaseHTTPRequestHandler):
    """Takes OTLP over HTTP."""

    received: list[ExportTraceServiceRequest]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/traces":
            self.received.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200 if self.path == "/v1/traces" else 404)
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
    asked: list[Any] = []
    monkeypatch.setattr(sessions, "get_environ_proxies", lambda url, **_: asked.append(url) or {})
    sink = Sink("p", Rig(two).identities)
    for question in ("q", "r"):
        record = Record(Kind.ITEM, 0, Ancestry(question), 1, 1, b"")
        sink.write([Observation(record, MESSAGE, Ancestry(question), A, 3)])
    assert (len(collector), len(asked)) == (2, 1)


@pytest.mark.parametrize(
    ("setting", "address", "why"),
    [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "{}/elsewhere", "elsewhere took no spans .it answered 404 Not Found"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1", "http://127.0.0.1:1/v1/traces took no spans .*refused"),
    ],
)
def test_who_takes_no_spans_is_named_once_with_the_reason(
    collector: list[ExportTraceServiceRequest],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    setting: str,
    address: str,
    why: str,
) -> None:
    monkeypatch.setenv(setting, address.format(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")
    run = Observation(Record(Kind.ITEM, 0, QUESTION, 1, 1, b""), MESSAGE, QUESTION, A, 3)
    with pytest.raises(ConnectionError, match=why):
        Sink("p", Rig(two).identities).write([run])
    assert not caplog.records


@pytest.mark.parametrize("signal", ["", "TRACES_"])
def test_a_session_that_opentelemetry_is_told_of_is_left_to_it(monkeypatch: pytest.MonkeyPatch, signal: str) -> None:
    assert session() is not None
    monkeypatch.setenv(f"OTEL_PYTHON_EXPORTER_OTLP_HTTP_{signal}CREDENTIAL_PROVIDER", "ours")
    assert session() is None


@pytest.mark.parametrize(("given", "every_s"), [("", 10.0), ("1500", 1.5)])
def test_how_often_spans_are_sent(monkeypatch: pytest.MonkeyPatch, given: str, every_s: float) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", given)
    assert Sink("p", Rig(two).identities).every_s == every_s


def test_a_delay_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "soon")
    with pytest.raises(SettingError, match="OTEL_BSP_SCHEDULE_DELAY='soon' is not usable"):
        Sink("p", Rig(two).identities)
