"""What ALTO_TRACE asks for: a folder or a collector, and an instance that has something to say to it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from alto_streams.coordinator import CoordinatorLogic
from alto_streams.engines.protocol import Engine
from alto_streams.errors import SettingError
from alto_streams.execution import StageLogic
from alto_streams.plan import StagePlan
from alto_streams.runtime.instance import Fatal, Instance
from alto_streams.runtime.outbox import Outbox
from alto_streams.runtime.tracing.coordinator import TracedCoordinator
from alto_streams.runtime.tracing.files import TraceFile
from alto_streams.runtime.tracing.identity import Identities
from alto_streams.runtime.tracing.instance import TracedInstance
from alto_streams.runtime.tracing.tracing import Sink, Tracing
from alto_streams.settings import Settings

OTLP = "otlp"


def start_tracing(configured: Settings, pipeline: Any, stage: StagePlan, instance: str) -> Tracing:
    """Raises SettingError where that cannot be done."""
    identities = Identities(pipeline.plan, stage, instance)
    return Tracing(_sink(configured.trace, pipeline.name, identities), configured.trace_share)


def traced_instance(
    logic: StageLogic | CoordinatorLogic,
    outbox: Outbox,
    engine: Engine | None,
    fatal: Fatal,
    streaming: bool,
    tracing: Tracing,
) -> Instance:
    """What notes for `tracing`, in place of Instance(logic, outbox, engine, fatal, streaming)."""
    if isinstance(logic, CoordinatorLogic):
        return TracedCoordinator(logic, outbox, fatal, streaming, tracing)
    return TracedInstance(logic, outbox, engine, fatal, streaming, tracing)


def _sink(where: str, pipeline: str, identities: Identities) -> Sink:
    if where == OTLP:
        check_extra()
        from alto_streams.runtime.tracing.otlp import Collector

        return Collector(pipeline, identities)
    return TraceFile(Path(where), identities)


def check_extra() -> None:
    """Raises SettingError where OpenTelemetry is not installed."""
    try:
        found = find_spec("opentelemetry.exporter.otlp.proto.http")
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise SettingError(
            "ALTO_TRACE=otlp needs OpenTelemetry, which is not installed.",
            "install the extra: pip install 'alto-streams[tracing]', or set ALTO_TRACE to a folder",
        )
