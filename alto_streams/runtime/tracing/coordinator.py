"""A coordinator that notes each question: when it was admitted, what was sent for it, and when its outcome went out."""

from __future__ import annotations

from collections.abc import Iterable
from time import time_ns
from typing import Any

from alto_streams.coordinator import CoordinatorLogic
from alto_streams.effects import Delivery, Effect, Publish, Send
from alto_streams.record import Record
from alto_streams.runtime.instance import Fatal, Instance, now_ms
from alto_streams.runtime.outbox import Outbox
from alto_streams.runtime.tracing.observed import Observation
from alto_streams.runtime.tracing.tracing import Tracing

OPEN = 4096  # questions, before those past their deadline are looked for


class TracedCoordinator(Instance):
    """Carries out the same decisions as an Instance, in the same order."""

    logic: CoordinatorLogic

    def __init__(
        self, logic: CoordinatorLogic, outbox: Outbox, fatal: Fatal, streaming: bool, tracing: Tracing
    ) -> None:
        super().__init__(logic, outbox, None, fatal, streaming)
        self._tracing = tracing
        self._questions: dict[str, Observation] = {}  # those in flight
        self._look_at = OPEN

    def _decide(self, record: Record, delivery: Delivery, message: Any) -> list[Effect]:
        effects = Instance._decide(self, record, delivery, message)  # super() costs a third of what noting does
        if self._tracing.samples(record.ancestry.question):
            self._note(record, message, delivery.partition, effects)
        return effects

    def _note(self, record: Record, message: Any, partition: int, effects: list[Effect]) -> None:
        question = record.ancestry.cut(0)
        asked = self._questions.get(question.question)
        if asked is None:
            table = self.logic.tables.get(partition)
            if table is None or question.key(0) not in table.groups:
                return  # it has ended
            self._bound()
            asked = Observation(record, message, question, None, message.received)
            asked.first, asked.records = message, 0
            self._questions[question.question] = asked
        asked.record, asked.message = record, message  # until another comes, it is the one that ended the question
        asked.records += 1
        if any(isinstance(effect, Send) for effect in effects):
            asked.outputs.append((time_ns(), effects))

    async def perform(self, effects: Iterable[Effect]) -> None:
        effects = list(effects)
        for effect in effects:
            if isinstance(effect, Publish) and effect.channel == "output" and not effect.item:
                self._ended_question(effect)
        await Instance.perform(self, effects)

    def _ended_question(self, outcome: Publish) -> None:
        asked = self._questions.pop(outcome.question, None)
        if asked is not None:
            asked.ended = time_ns()
            asked.failure = outcome.failure.kind if outcome.failure is not None else ""
            self._tracing.add(asked)

    def _bound(self) -> None:
        """Forgets what will not end here any more: its partition went to another coordinator."""
        if len(self._questions) < self._look_at:
            return
        now = now_ms()
        self._questions = {
            question: asked for question, asked in self._questions.items() if asked.record.deadline >= now
        }
        self._look_at = max(OPEN, 2 * len(self._questions))
