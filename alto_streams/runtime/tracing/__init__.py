"""Spans of what each stage did for each question: off unless ALTO_TRACE says where they go.

Nothing is imported from here, and nothing runs, in a worker that does not trace. One that does runs a `TracedInstance`
or a `TracedCoordinator` in place of an `Instance`. It notes times, and keeps what the stage made anyway; a thread of
its own makes lines of that (`lines`) for a file, or OpenTelemetry spans for a collector (`otlp`). docs/tracing.md tells
the rest.
"""

from alto_streams.runtime.tracing.instance import TracedInstance
from alto_streams.runtime.tracing.start import start_tracing, traced_instance
from alto_streams.runtime.tracing.tracing import Tracing

__all__ = ["TracedInstance", "Tracing", "start_tracing", "traced_instance"]
