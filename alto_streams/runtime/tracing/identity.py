"""Who a run is in a trace: its span, and the span of the run that made what it reads."""

from __future__ import annotations

from typing import Any, NamedTuple

from alto_streams.plan import COORDINATOR, StagePlan
from alto_streams.record import HEADER, Record, decode_record
from alto_streams.runtime.tracing.ids import span_id, trace_id
from alto_streams.runtime.tracing.observed import Observation
from alto_streams.runtime.tracing.producers import Made, Producers


class Identity(NamedTuple):
    """The ids are hexadecimal; `parent` is empty of a root. `made` is who made the record that began the run."""

    trace: str
    span: str
    parent: str
    made: Made


class Identities:
    """Of the runs of one stage. `constant` is what a trace says of all of them."""

    def __init__(self, plan: Any, stage: StagePlan, instance: str) -> None:
        self._producers = Producers(plan, stage)
        self._stage = stage
        self.constant = {
            "stage": stage.name,
            "instance": instance,
            "kind": stage.kind,
            "level": stage.levels[-1] if stage.levels else "question",
        }

    def of(self, seen: Observation) -> Identity:
        made = self._producers.of(seen.record)
        parent = ""
        if self._stage.name != COORDINATOR:
            collected = seen.first is not None and seen.first is not seen.message
            opened_by = self._producers.of(_record(seen.first)) if collected else made
            parent = span_id(opened_by.stage, opened_by.ancestry, opened_by.attempt)
        return Identity(trace_id(seen.ancestry.question), self._span(seen), parent, made)

    def _span(self, seen: Observation) -> str:
        """What descends from a run knows its attempt only where the run opened a level; else, only one that is whole
        has descendants, and it is the one without.
        """
        known = self._stage.opens is None and not seen.failure and not seen.item
        return span_id(self._stage.name, seen.ancestry, None if known else seen.attempt, seen.item)


def _record(message: Any) -> Record:
    """As the instance read it, without its value."""
    return decode_record(dict(message.headers)[HEADER], b"")
