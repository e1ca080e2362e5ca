"""Which run made a record: what the graph and the record's ancestry say together."""

from __future__ import annotations

from typing import Any, NamedTuple

from alto_streams.ancestry import Ancestry, Attempt
from alto_streams.plan import COORDINATOR, StagePlan
from alto_streams.record import Kind, Record


class Made(NamedTuple):
    """The run of a stage on the item at `ancestry`; its attempt where it opened a level."""

    stage: str
    ancestry: Ancestry
    attempt: Attempt | None


class Producers:
    """Of what one stage reads. Explicit stages name their readers, not their producers: the question is theirs."""

    def __init__(self, plan: Any, stage: StagePlan) -> None:
        self._stages: dict[str, StagePlan] = {one.name: one for one in plan.stages}
        self._stage = stage
        self._known: dict[tuple[int, int], StagePlan | None] = {}

    def of(self, record: Record) -> Made:
        """The run that made `record`; the question's root where a stage does not know."""
        ancestry, counts = record.ancestry, record.kind is Kind.COUNT
        asked = (record.port, ancestry.depth + 1 if counts else 0)
        if asked not in self._known:
            self._known[asked] = self._producer(*asked)
        producer = self._known[asked]
        if producer is None:
            return Made(COORDINATOR, ancestry.cut(0), None)
        depth = len(producer.levels)
        attempt = None
        if producer.opens is not None:
            attempt = record.attempt if counts else ancestry.cut(depth + 1).attempt
        return Made(producer.name, ancestry.cut(depth), attempt)

    def _producer(self, port: int, level: int) -> StagePlan | None:
        """Whose items come in at a port; with a level, counted from 1, who opened that one of theirs."""
        if port >= len(self._stage.ports):
            return None
        producer = self._stages.get(self._stage.ports[port].stream.partition(".")[0])
        while producer is not None and 0 < level <= len(producer.levels):
            producer = self._stages.get(producer.ports[0].stream.partition(".")[0])
        return producer
