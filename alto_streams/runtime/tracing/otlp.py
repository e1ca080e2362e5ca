"""Lines as OpenTelemetry spans, sent over OTLP/HTTP as the standard OTEL_EXPORTER_OTLP_* variables say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from alto_streams.runtime.tracing.ids import part_id

BATCH = 512  # spans of one request
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_OK, _SCOPE = Status(StatusCode.UNSET), InstrumentationScope("alto_streams")


class Collector:
    """Each stage is a service of its own, `PIPELINE.STAGE`, unless OTEL_SERVICE_NAME says otherwise.

    An attribute costs more than noting the whole run: what is the same for all runs belongs to the resource, and what
    parents and times tell is not told again.
    """

    def __init__(self, pipeline: str, constant: dict[str, str]) -> None:
        attributes = {f"alto.{name}": value for name, value in constant.items()}
        attributes[SERVICE_INSTANCE_ID] = constant["instance"]
        if not os.environ.get("OTEL_SERVICE_NAME"):
            attributes[SERVICE_NAME] = f"{pipeline}.{constant['stage']}"
        self._name = constant["stage"]
        self._resource = Resource.create(attributes)
        self._exporter = OTLPSpanExporter()

    def write(self, lines: list[dict[str, Any]]) -> None:
        """Raises ConnectionError where the collector did not take them."""
        spans = [span for line in lines for span in self.spans(line)]
        for start in range(0, len(spans), BATCH):
            if self._exporter.export(spans[start : start + BATCH]) is not SpanExportResult.SUCCESS:
                raise ConnectionError("The collector did not take the spans; see OTEL_EXPORTER_OTLP_ENDPOINT.")

    def close(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def spans(self, line: dict[str, Any]) -> Iterator[ReadableSpan]:
        """The run, and its requests to the engine."""
        trace = int(line["trace"], 16)
        yield self._run(trace, line)
        for number, call in enumerate(line.get("engine", ())):
            yield self._call(trace, line["span"], number, call)

    def _run(self, trace: int, line: dict[str, Any]) -> ReadableSpan:
        """From its beginning, or, where it reads what was collected, from the first record of that."""
        begun, received, start = line["begun"], line["received"], line["begun"]
        attributes: dict[str, Any] = {"alto.transport_ms": (received - line["sent"]) / 1e6}
        events = []
        if "parent" not in line:
            attributes["alto.question"] = line["question"]
        else:
            attributes["alto.item"] = line.get("item") or ".".join(map(str, line["path"]))
            attributes["alto.waiting_ms"] = (begun - received) / 1e6
            if "fold" in line:
                _, start, attributes["alto.records"] = line["fold"]
                events.append(Event("complete", {}, received))
        for since, kind, path, size, _ in line["outputs"]:
            if kind == "item" and len(path) < 2:
                events.append(Event("item", {"alto.bytes": size}, begun + 1000 * since))
        status = Status(StatusCode.ERROR, line["failure"]) if "failure" in line else _OK
        ids = line["span"], line.get("parent")
        return self._span(trace, self._name, *ids, start, line["ended"], attributes, events, status)

    def _call(self, trace: int, run: str, number: int, call: dict[str, Any]) -> ReadableSpan:
        chunks, submitted = call["chunks"], call["submitted"]
        attributes = {
            "gen_ai.request.model": call["model"],
            "alto.prompt": call["prompt"],
            "alto.words": sum(words for _, words in chunks),
        }
        first = [Event("first token", {}, submitted + 1000 * chunks[0][0])] if chunks else ()
        name = f"chat {call['model']}".rstrip()
        return self._span(
            trace, name, part_id(run, number), run, submitted, call["ended"], attributes, first, kind=SpanKind.CLIENT
        )

    def _span(
        self,
        trace: int,
        name: str,
        span: str,
        parent: str | None,
        begun: int,
        ended: int,
        attributes: dict[str, Any],
        events: Any = (),
        status: Status = _OK,
        kind: SpanKind = SpanKind.INTERNAL,
    ) -> ReadableSpan:
        return ReadableSpan(
            name,
            _context(trace, span),
            _context(trace, parent) if parent else None,
            self._resource,
            attributes,
            events,
            kind=kind,
            status=status,
            start_time=begun,
            end_time=ended,
            instrumentation_scope=_SCOPE,
        )


def _context(trace: int, span: str) -> SpanContext:
    return SpanContext(trace, int(span, 16), is_remote=True, trace_flags=_SAMPLED)
