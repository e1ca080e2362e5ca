"""One observation as a line of a trace file. docs/tracing.md lists the fields."""

from __future__ import annotations

from typing import Any

from alto_streams.ancestry import Ancestry
from alto_streams.effects import Send
from alto_streams.record import Kind
from alto_streams.runtime.tracing.identity import Identities
from alto_streams.runtime.tracing.observed import EngineCall, Observation

_KINDS = tuple(kind.name.lower() for kind in Kind)  # of an Enum, looking into a dict costs three times as much
_COUNT = Kind.COUNT


class Lines:
    """Of the runs of one stage, without what all of them have in common."""

    def __init__(self, identities: Identities) -> None:
        self._of = identities.of

    def __call__(self, seen: Observation) -> dict[str, Any]:
        record, message, first, ancestry = seen.record, seen.message, seen.first, seen.ancestry
        trace, span, parent, made = self._of(seen)
        path = positions(ancestry)
        line = {
            "question": ancestry.question,
            "trace": trace,
            "span": span,
            "path": path,
            "from": made.stage,
            "read": _KINDS[record.kind],
            "read_path": path if record.ancestry is ancestry else positions(record.ancestry),
            "sent": int(message.timestamp * 1e9),
            "received": message.received,
            "begun": seen.begun,
            "ended": seen.ended,
            "outputs": _outputs(seen),
        }
        if parent:
            line["parent"] = parent
        if first is not None:
            line["fold"] = [int(first.timestamp * 1e9), first.received, seen.records]
        if seen.attempt is not None:
            line["attempt"] = [*seen.attempt]
        if seen.failure:
            line["failure"], line["status"] = seen.failure, "cancelled" if seen.cancelled else "failed"
        if seen.calls:
            line["engine"] = [_call(call) for call in seen.calls]
        if seen.item:
            line["item"] = seen.item
        return line


def positions(ancestry: Ancestry, above: int = 0) -> list[int]:
    """The indices that lead to an item from its ancestor at `above` levels."""
    levels = ancestry.depth - above
    found = [0] * levels
    while levels > 0:
        levels -= 1
        found[levels] = ancestry.position
        ancestry = ancestry.parent  # type: ignore[assignment]  # only a question has none, and its depth is 0
    return found


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
            path = positions(record.ancestry, above)
            found.append([(at - begun) // 1000, _KINDS[record.kind], path, size, to])
    return found


def _call(call: EngineCall) -> dict[str, Any]:
    submitted = call.submitted
    return {
        "prompt": call.prompt,
        "model": call.model,
        "submitted": submitted,
        "ended": call.ended,
        "chunks": [
            [(at - submitted) // 1000, len(text.split())]
            for at, text in zip(call.came_at, call.chunks, strict=False)  # a task that outlived its run may write
        ],
    }
