"""An instance that notes what it does: when records came, when runs began and ended, what left and when."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextvars import ContextVar
from time import time_ns
from typing import Any

from alto_streams.ancestry import Key
from alto_streams.coordinator import CoordinatorLogic
from alto_streams.effects import Acknowledge, DeadLetter, Delivery, Effect, Publish, Send, Start
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
from alto_streams.runtime.tracing.observed import Arrival, Fold, Observation, Outputs, present
from alto_streams.runtime.tracing.tracing import Tracing

OPEN = 4096  # folds and questions, before those past their deadline are looked for

_arrival: ContextVar[Arrival | None] = ContextVar("arrival", default=None)


class TracedInstance(Instance):
    """Carries out the same decisions as an Instance, in the same order."""

    def __init__(
        self,
        logic: StageLogic | CoordinatorLogic,
        outbox: Outbox,
        engine: Engine | None,
        fatal: Fatal,
        streaming: bool,
        tracing: Tracing,
    ) -> None:
        super().__init__(logic, outbox, None if engine is None else TracedEngine(engine), fatal, streaming)
        self._tracing = tracing
        self._coordinates = isinstance(logic, CoordinatorLogic)
        self._collects = self.stage.stateful and not isinstance(self.stage, ExplicitStage)
        self._arrivals: dict[Run, Arrival] = {}  # of runs that wait
        self._folds: dict[Key, Fold] = {}
        self._questions: dict[str, Observation] = {}  # of the coordinator: those in flight
        self._look_at = OPEN

    def _decide(self, record: Record, delivery: Delivery, message: Any) -> list[Effect]:
        if not self._tracing.samples(record.ancestry.question):
            return super()._decide(record, delivery, message)
        received = time_ns()
        effects = super()._decide(record, delivery, message)
        if self._coordinates:
            self._coordinated(Arrival(record, message.timestamp, received), delivery.partition, effects)
        elif self._collects:
            self._collected(record, message.timestamp, received, effects)
        else:
            self._decided(Arrival(record, message.timestamp, received), effects)
        return effects

    def _collected(self, record: Record, sent: float, received: int, effects: list[Effect]) -> None:
        key = record.ancestry.key(self.stage.key_depth or 0)
        fold = self._folds.get(key)
        if fold is None:
            fold = self._folds[key] = Fold(record, sent, received)
            self._bound()
        fold.records += 1
        if effects:
            late = fold.records == 1 and isinstance(effects[0], Acknowledge)
            if self._decided(Arrival(record, sent, received, fold), effects) or late:
                del self._folds[key]

    def _decided(self, arrival: Arrival, effects: list[Effect]) -> bool:
        """Keeps the arrival for the run that will begin. Where none will, as of an aggregate, or where an item was
        dropped or could not be read, the run is over. False where there is none.
        """
        over, failure = False, ""
        for effect in effects:
            if isinstance(effect, Start):
                self._arrivals[effect.run] = arrival
                return True
            over = over or isinstance(effect, Send) or (isinstance(effect, Publish) and effect.final)
            if isinstance(effect, DeadLetter):
                over, failure = True, effect.kind
        if over:
            now, ancestry = time_ns(), arrival.record.ancestry.cut(len(self.stage.levels))
            outputs: Outputs = [(now, effects)]
            done = Observation(arrival, ancestry, None, arrival.received, "", now, outputs, failure=failure)
            self._tracing.add(done)
        return over

    def _coordinated(self, arrival: Arrival, partition: int, effects: list[Effect]) -> None:
        question = arrival.record.ancestry.cut(0)
        asked = self._questions.get(question.question)
        if asked is None:
            table = self.logic.tables.get(partition)
            if table is None or question.key(0) not in table.groups:
                return  # it has ended
            arrival.fold = Fold(arrival.record, arrival.sent, arrival.received)
            asked = self._questions[question.question] = Observation(arrival, question, None, arrival.received)
            self._bound()
        arrival.fold = asked.arrival.fold
        assert arrival.fold is not None
        arrival.fold.records += 1
        asked.arrival = arrival  # until another comes, it is the one that ended the question
        if any(isinstance(effect, Send) for effect in effects):
            asked.outputs.append((time_ns(), effects))

    async def perform(self, effects: Iterable[Effect]) -> None:
        effects = list(effects)
        if self._questions:
            for effect in effects:
                if isinstance(effect, Publish) and effect.channel == "output" and not effect.item:
                    self._ended_question(effect)
        await super().perform(effects)

    def _ended_question(self, outcome: Publish) -> None:
        asked = self._questions.pop(outcome.question, None)
        if asked is not None:
            asked.ended = time_ns()
            asked.failure = outcome.failure.kind if outcome.failure is not None else ""
            self._tracing.add(asked)

    async def _run(self, run: Run, before: Settlement) -> None:
        _arrival.set(self._arrivals.pop(run, None))  # for all tries: each run is a task of its own
        await super()._run(run, before)

    async def _call(self, run: Run, settlement: Settlement) -> None:
        arrival = _arrival.get()
        if arrival is None:
            await super()._call(run, settlement)
            return
        item = run.item_id if isinstance(run, ExplicitRun) else ""
        seen = Observation(arrival, run.ancestry, run.attempt, time_ns(), item)
        before = present.set(seen)
        try:
            await super()._call(run, settlement)
        except asyncio.CancelledError:
            seen.cancelled = True
            seen.failure = "deadline_exceeded" if now_ms() >= run.record.deadline else "cancelled"
            raise
        except Exception as error:
            seen.failure = kind_of(error)
            raise
        finally:
            present.reset(before)
            seen.ended = time_ns()
            self._tracing.add(seen)

    def _post(self, effects: list[Effect], settlement: Settlement) -> None:
        run = present.get()
        if run is not None and effects:
            run.outputs.append((time_ns(), effects))
        super()._post(effects, settlement)

    def _bound(self) -> None:
        """Forgets what will not be complete any more: its partition went to another instance, or its question ended."""
        if len(self._folds) + len(self._questions) < self._look_at:
            return
        now = now_ms()
        self._folds = {key: fold for key, fold in self._folds.items() if fold.first.deadline >= now}
        self._questions = {
            question: asked for question, asked in self._questions.items() if asked.arrival.record.deadline >= now
        }
        self._arrivals = {run: arrival for run, arrival in self._arrivals.items() if run.record.deadline >= now}
        self._look_at = max(OPEN, 2 * (len(self._folds) + len(self._questions)))
