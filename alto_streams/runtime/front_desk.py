"""Takes questions from the input topic: reads them, refuses what cannot be answered, admits the rest."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import structlog

from alto_streams.admission import CANCEL, check_question, check_question_type, question_id_of, read_question
from alto_streams.coordinator import CoordinatorLogic
from alto_streams.errors import InvalidInput
from alto_streams.failure import Failure
from alto_streams.pipeline import Pipeline
from alto_streams.plan import COORDINATOR
from alto_streams.routing import Router
from alto_streams.runtime.instance import Instance, now_ms
from alto_streams.runtime.outbox import Outbox
from alto_streams.settings import Settings


class FrontDesk:
    """Each question is acknowledged when the coordinator's topic has it, or its refusal is out."""

    def __init__(
        self,
        pipeline: Pipeline,
        logic: CoordinatorLogic,
        instance: Instance,
        outbox: Outbox,
        router: Router,
        configured: Settings,
    ) -> None:
        check_question_type(pipeline.source.type, pipeline.name)
        self._pipeline, self._logic, self._instance = pipeline, logic, instance
        self._outbox, self._router, self._settings = outbox, router, configured
        self._log = structlog.get_logger()

    async def receive(self, event: Any) -> None:
        """Takes one Faust event of the input topic."""
        message = event.message
        headers = dict(message.headers or ())
        if headers.get("type") == CANCEL:
            await self._cancel(message)
            event.ack()
            return
        question: Any = None
        try:
            question_id, question = read_question(message.value, message.key, headers, self._pipeline.plan.source_type)
            check_question(question, self._settings.max_question_chars)
        except InvalidInput as error:
            await self._refuse(message, headers, question, error)
        else:
            now = now_ms()
            deadline = now + (question.deadline_ms or self._settings.deadline_ms)
            question.question_id = question_id
            admitted = self._logic.admit(question_id, question, await self._outbox.epoch(), deadline)
            await self._instance.carry_out(admitted)
            self._log.info("admitted", question=question_id)
        event.ack()

    async def _cancel(self, message: Any) -> None:
        """By the key alone. Without one, or for a question that is not in flight, there is nothing to do."""
        with suppress(InvalidInput):
            question_id, deadline = question_id_of(None, message.key), now_ms() + self._settings.deadline_ms
            await self._instance.carry_out(self._logic.cancel(question_id, await self._outbox.epoch(), deadline))
            self._log.info("cancelled", question=question_id)

    async def _refuse(self, message: Any, headers: dict[str, bytes], question: Any, error: InvalidInput) -> None:
        self._log.warning("refused", kind=error.kind, error=str(error))
        settlement = self._instance.settlement()
        self._outbox.dead_letter(
            message.key, message.value, list(headers.items()), COORDINATOR, error.kind, str(error), settlement
        )
        effects = []
        try:
            question_id = question_id_of(question, message.key)
        except InvalidInput:
            pass  # nobody to answer to
        else:
            failure = Failure(COORDINATOR, error.kind, str(error))
            deadline = now_ms() + self._settings.deadline_ms
            effects = self._logic.reject(question_id, failure, await self._outbox.epoch(), deadline)
        await self._instance.carry_out(effects, settlement)
