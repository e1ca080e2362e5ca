"""One observation as a line: what a trace file holds, and what spans are made of. docs/tracing.md lists the fields."""

from __future__ import annotations

from typing import Any

from alto_streams.ancestry import Ancestry
from alto_streams.effects import Send
from alto_streams.plan import COORDINATOR, StagePlan
from alto_streams.record import Kind
from alto_streams.runtime.tracing.ids import span_id, trace_id
from alto_streams.runtime.tracing.observed import EngineCall, Observation
from alto_streams.runtime.tracing.producers import Producers

_KINDS = tuple(kind.name.lower() for kind in Kind)  # of an Enum, looking into a dict costs three times as much
_COUNT = Kind.COUNT


class Lines:
    """Of one instance of a stage. `constant` is what all its lines have in common."""

    def __init__(self, plan: Any, stage: StagePlan, instance: str) -> None:
        self._producers = Producers(plan, stage)
        self._stage = stage
        self.constant = {
            "stage": stage.name,
            "instance": instance,
            "kind": stage.kind,
            "level": stage.levels[-1] if stage.levels else "question",
        }

    def __call__(self, seen: Observation) -> dict[str, Any]:
        arrival, ancestry, coordinates = seen.arrival, seen.ancestry, self._stage.name == COORDINATOR
        record, fold = arrival.record, arrival.fold
        made = self._producers.of(record)
        line = {
            "question": ancestry.question,
            "trace": trace_id(ancestry.question),
            "span": self._span(seen),
            "path": _positions(ancestry, 0),
            "from": made.stage,
            "read": _KINDS[record.kind],
            "read_path": _positions(record.ancestry, 0),
            "sent": int(arrival.sent * 1e9),
            "received": arrival.received,
            "begun": seen.begun,
            "ended": seen.ended,
            "outputs": _outputs(seen),
        }
        if not coordinates:
            opened_by = made if fold is None or fold.first is record else self._producers.of(fold.first)
            line["parent"] = opened_by.span
        if fold is not None:
            line["fold"] = [int(fold.sent * 1e9), fold.begun, fold.records]
        if seen.attempt is not None:
            line["attempt"] = seen.attempt
        if seen.failure:
            line["failure"], line["status"] = seen.failure, "cancelled" if seen.cancelled else "failed"
        if seen.calls:
            line["engine"] = [_call(call) for call in seen.calls]
        if seen.item:
            line["item"] = seen.item
        return line

    def _span(self, seen: Observation) -> str:
        """What descends from a run knows its attempt only where the run opened a level; else, only one that is whole
        has descendants, and it is the one without.
        """
        known = self._stage.opens is None and not seen.failure and not seen.item
        return span_id(self._stage.name, seen.ancestry, None if known else seen.attempt, seen.item)


def _positions(ancestry: Ancestry, above: int) -> list[int]:
    """The indices that lead to an item from its ancestor at `above` levels."""
    levels = ancestry.depth - above
    if levels <= 0:
        return []
    if levels == 1:
        return [ancestry.position]
    return [*_positions(ancestry.parent, above), ancestry.position]  # type: ignore[arg-type]


def _outputs(seen: Observation) -> list[list[Any]]:
    """Microseconds since the run began, kind, path below the run's own, bytes, and the stages that it went to."""
    above, begun = seen.ancestry.depth, seen.begun
    found: list[list[Any]] = []
    for at, effects in seen.outputs:
        last: Any = None
        to: list[str] = []
        for effect in effects:
            if not isinstance(effect, Send):
                continue
            record = effect.record
            if last is not None and record.ancestry is last.ancestry and record.kind is last.kind:
                to.append(effect.stage)
                continue
            last, to = record, [effect.stage]
            size = record.count if record.kind is _COUNT else len(record.value)
            path = _positions(record.ancestry, above)
            found.append([(at - begun) // 1000, _KINDS[record.kind], path, size, to])
    return found


def _call(call: EngineCall) -> dict[str, Any]:
    submitted = call.submitted
    return {
        "prompt": call.prompt,
        "model": call.model,
        "submitted": submitted,
        "ended": call.ended,
        "chunks": [[(at - submitted) // 1000, len(text.split())] for at, text in call.chunks],
    }
