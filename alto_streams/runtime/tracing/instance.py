"""An instance that notes what it does: when runs began and ended, what they read, what left and when.

For a record that begins or completes no run it does nothing: the messages in hand know when they came. Code that is
called here and there is never in the processor's caches: it takes several times as long as a benchmark of it says.
"""

from __future__ import annotations

import asyncio
from time import time_ns
from typing import Any

from alto_streams.effects import Acknowledge, DeadLetter, Delivery, Effect, Publish, Send
from alto_streams.engines.protocol import Engine
from alto_streams.execution import Run, StageLogic
from alto_streams.explicit.execution import ExplicitRun
from alto_streams.explicit.plan import ExplicitStage
from alto_streams.failure import kind_of
from alto_streams.record import Record
from alto_streams.runtime.instance import Fatal, Instance, now_ms
from alto_streams.runtime.outbox import Outbox
from alto_streams.runtime.settlement import Settlement
from alto_streams.runtime.tracing.engine import TracedEngine
from alto_streams.runtime.tracing.observed import Observation, present
from alto_streams.runtime.tracing.tracing import Tracing

_NOWHERE = Delivery(-1, -1)


class TracedInstance(Instance):
    """Carries out the same decisions as an Instance, in the same order."""

    def __init__(
        self,
        logic: StageLogic,
        outbox: Outbox,
        engine: Engine | None,
        fatal: Fatal,
        streaming: bool,
        tracing: Tracing,
    ) -> None:
        super().__init__(logic, outbox, None if engine is None else TracedEngine(engine), fatal, streaming)
        self._tracing = tracing
        self._collects = self.stage.stateful and not isinstance(self.stage, ExplicitStage)

    def _decide(self, record: Record, delivery: Delivery, message: Any) -> list[Effect]:
        effects = Instance._decide(self, record, delivery, message)  # super() costs a third of what noting does
        if (
            len(effects) > 1
            and isinstance(effects[-1], Acknowledge)
            and self._tracing.samples(record.ancestry.question)
        ):
            self._ended_at_once(record, message, effects, effects[-1].deliveries)
        return effects

    def _ended_at_once(self, record: Record, message: Any, effects: list[Effect], held: tuple[Delivery, ...]) -> None:
        """A run that calls no function, as of an aggregate, or where an item was dropped or could not be read."""
        failure = next((effect.kind for effect in effects if isinstance(effect, DeadLetter)), "")
        if failure or any(isinstance(one, Send) or (isinstance(one, Publish) and one.final) for one in effects):
            seen = Observation(record, message, record.ancestry.cut(len(self.stage.levels)), None, time_ns())
            seen.failure = failure
            self._collected(seen, held)
            seen.outputs.append((seen.begun, effects))
            seen.ended = seen.begun
            self._tracing.add(seen)

    def _collected(self, seen: Observation, held: tuple[Delivery, ...] | list[Delivery]) -> None:
        if self._collects:
            first = self._events.get(min(held, default=_NOWHERE))
            seen.first = seen.message if first is None else first.message
            seen.records = len(held)

    async def _call(self, run: Run, settlement: Settlement) -> None:
        begun_by = max(run.held, default=_NOWHERE) if self._collects else run.held[0]
        event = self._events.get(begun_by)
        if event is None or not self._tracing.samples(run.ancestry.question):
            await super()._call(run, settlement)
            return
        seen = Observation(run.record, event.message, run.ancestry, run.attempt, time_ns())
        self._collected(seen, run.held)
        if isinstance(run, ExplicitRun):
            seen.item = run.item_id
        settlement.run = seen
        if self._engine is not None:
            present.set(seen)  # for this task, which is the run's own
        try:
            await Instance._call(self, run, settlement)
        except asyncio.CancelledError:
            seen.cancelled = True
            seen.failure = "deadline_exceeded" if now_ms() >= run.record.deadline else "cancelled"
            raise
        except Exception as error:
            seen.failure = kind_of(error)
            raise
        finally:
            settlement.run = None
            seen.ended = time_ns()
            self._tracing.add(seen)

    def _post(self, effects: list[Effect], settlement: Settlement) -> None:
        run = settlement.run
        if run is not None and effects:
            run.outputs.append((time_ns(), effects))
        Instance._post(self, effects, settlement)
