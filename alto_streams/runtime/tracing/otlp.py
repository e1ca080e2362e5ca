"""Observations as OpenTelemetry spans, sent over OTLP/HTTP as the standard OTEL_EXPORTER_OTLP_* variables say."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource

from alto_streams.effects import Send
from alto_streams.errors import SettingError
from alto_streams.record import Kind
from alto_streams.runtime.tracing.identity import Identities, Identity
from alto_streams.runtime.tracing.ids import part_id
from alto_streams.runtime.tracing.lines import positions
from alto_streams.runtime.tracing.observed import EngineCall, Observation
from alto_streams.runtime.tracing.session import session

if TYPE_CHECKING:
    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

    Spans = RepeatedCompositeFieldContainer[Span]

BATCH = 512  # runs of one request
DELAY_MS = 10_000  # between two requests; with the SDK's 5,000 they cost as much as the spans in them
_ITEMS = (Kind.ITEM, Kind.LAST)
_SCOPE = InstrumentationScope(name="alto_streams")


class Exporter(OTLPSpanExporter):
    """Sends messages that are ready. The SDK's spans take five times as long to make and to encode."""

    def send(self, data: bytes) -> None:
        """Raises ConnectionError where the collector did not take them, after some tries in ten seconds."""
        answer = self._client.export(data)
        if not answer.success:
            why = answer.error or f"it answered {answer.status_code} {answer.reason}"
            raise ConnectionError(f"{self._endpoint} took no spans ({why}); see OTEL_EXPORTER_OTLP_ENDPOINT.")


class Collector:
    """Each stage is a service of its own, `PIPELINE.STAGE`, unless OTEL_SERVICE_NAME says otherwise.

    What is the same for all runs belongs to the resource. A request costs as much as a hundred spans, so one goes every
    OTEL_BSP_SCHEDULE_DELAY milliseconds. Raises SettingError where the exporter is another version's.
    """

    def __init__(self, pipeline: str, identities: Identities) -> None:
        constant = identities.constant
        attributes = {f"alto.{name}": value for name, value in constant.items()}
        attributes[SERVICE_INSTANCE_ID] = constant["instance"]
        if not os.environ.get("OTEL_SERVICE_NAME"):
            attributes[SERVICE_NAME] = f"{pipeline}.{constant['stage']}"
        self.every_s = _every_s()
        self._name, self._of = constant["stage"], identities.of
        self._resource = ResourceMessage()
        for name, value in Resource.create(attributes).attributes.items():
            self._resource.attributes.add(key=name).value.string_value = str(value)
        logging.getLogger(OTLPSpanExporter.__module__).setLevel(logging.CRITICAL)  # it has a line for every try
        self._exporter = Exporter(session=session())
        if not hasattr(self._exporter, "_client"):
            raise SettingError(
                "The installed opentelemetry-exporter-otlp-proto-http is not one that this release knows.",
                "install the one of requirements.lock, or set ALTO_TRACE to a folder",
            )

    def write(self, seen: list[Observation]) -> None:
        """Raises ConnectionError."""
        for start in range(0, len(seen), BATCH):
            request = ExportTraceServiceRequest()  # filled in place: a message that is put into another is copied
            group = request.resource_spans.add()
            group.resource.CopyFrom(self._resource)
            scoped = group.scope_spans.add()
            scoped.scope.CopyFrom(_SCOPE)
            for one in seen[start : start + BATCH]:
                identity = self._of(one)
                _add_run(scoped.spans, self._name, identity, one)
                for number, call in enumerate(one.calls):
                    _add_call(scoped.spans, identity, number, call)
            self._exporter.send(request.SerializeToString())

    def close(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


def _every_s() -> float:
    """The standard variable, as the SDK's own batches have it. Raises SettingError."""
    given = os.environ.get("OTEL_BSP_SCHEDULE_DELAY", "")
    if given and not given.isdecimal():
        raise SettingError(f"OTEL_BSP_SCHEDULE_DELAY={given!r} is not usable.", "set it to whole milliseconds")
    return int(given or DELAY_MS) / 1000


def _add_run(spans: Spans, name: str, identity: Identity, seen: Observation) -> None:
    """From its beginning, or, where it reads what was collected, from the first record of that."""
    message, first, begun = seen.message, seen.first, seen.begun
    received = message.received
    span = _add_span(spans, identity.trace, identity.span, identity.parent, name, begun, seen.ended)
    attributes = span.attributes
    attributes.add(key="alto.transport_ms").value.double_value = (received - message.timestamp * 1e9) / 1e6
    if not identity.parent:
        attributes.add(key="alto.question").value.string_value = seen.ancestry.question
    else:
        item = seen.item or ".".join(map(str, positions(seen.ancestry)))
        attributes.add(key="alto.item").value.string_value = item
        attributes.add(key="alto.waiting_ms").value.double_value = (begun - received) / 1e6
        if first is not None:
            span.start_time_unix_nano = first.received
            attributes.add(key="alto.records").value.int_value = seen.records
            span.events.add(name="complete", time_unix_nano=received)
    if seen.attempt is not None:
        attributes.add(key="alto.attempt").value.string_value = "{}:{}".format(*seen.attempt)
    _add_items(span, seen)
    if seen.failure:
        span.status.code, span.status.message = Status.STATUS_CODE_ERROR, seen.failure


def _add_items(span: Span, seen: Observation) -> None:
    """Of the level that the run opened: others leave at its end, or are words of an item."""
    depth = seen.ancestry.depth + 1
    for at, effects in seen.outputs:
        last = None
        for effect in effects:
            if not isinstance(effect, Send):
                continue
            record = effect.record
            if record.ancestry.depth == depth and record.kind in _ITEMS and record.ancestry is not last:
                last = record.ancestry  # it goes to several stages
                event = span.events.add(name="item", time_unix_nano=at)
                event.attributes.add(key="alto.bytes").value.int_value = len(record.value)


def _add_call(spans: Spans, run: Identity, number: int, call: EngineCall) -> None:
    name, ids = f"chat {call.model}".rstrip(), (part_id(run.span, number), run.span)
    span = _add_span(spans, run.trace, *ids, name, call.submitted, call.ended, Span.SPAN_KIND_CLIENT)
    span.attributes.add(key="gen_ai.request.model").value.string_value = call.model
    span.attributes.add(key="alto.prompt").value.string_value = call.prompt
    span.attributes.add(key="alto.words").value.int_value = len("".join(call.chunks).split())
    if call.came_at:
        span.events.add(name="first token", time_unix_nano=call.came_at[0])


def _add_span(
    spans: Spans,
    trace: str,
    span: str,
    parent: str,
    name: str,
    begun: int,
    ended: int,
    kind: Any = Span.SPAN_KIND_INTERNAL,
) -> Span:
    return spans.add(
        trace_id=bytes.fromhex(trace),
        span_id=bytes.fromhex(span),
        parent_span_id=bytes.fromhex(parent),
        name=name,
        kind=kind,
        start_time_unix_nano=begun,
        end_time_unix_nano=ended,
    )
