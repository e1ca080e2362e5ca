"""One running instance of a stage: records go to the core, its decisions are carried out, then acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing, suppress
from functools import partial
from typing import Any

import structlog

from alto_streams.context import Context
from alto_streams.coordinator import CoordinatorLogic
from alto_streams.effects import (
    Acknowledge,
    Cancel,
    DeadLetter,
    Delivery,
    Effect,
    Publish,
    Send,
    Start,
    Stop,
    Tell,
    Wake,
)
from alto_streams.engines.protocol import Engine
from alto_streams.errors import InvalidInput
from alto_streams.execution import Run, StageLogic
from alto_streams.explicit.execution import ExplicitRun
from alto_streams.explicit.handles import Put
from alto_streams.explicit.sets import RecordSet
from alto_streams.failure import Failure
from alto_streams.record import HEADER, Record, decode_record
from alto_streams.runtime.outbox import Outbox
from alto_streams.runtime.relocation import Relocation
from alto_streams.runtime.settlement import Settlement

EXPIRE_EVERY_S = 0.2
RETRY_AFTER_S = 0.5  # doubled with each try
SETTLE_S = 5.0  # of what was decided for partitions that go to another instance
CLOSE_S = 2.0  # at a stop: what is not delivered by then is not acknowledged, and comes again
AHEAD = 256  # runs that wait for a slot; more are not read, so what ends them is not heard of

Fatal = Callable[[BaseException], Awaitable[None]]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class SendError(Exception):
    """Kafka did not take a record: no fault of the stage or the question, and nothing that this process can mend."""


class Instance:
    """Holds the records in hand until the core acknowledges them.

    `fatal` stops the process when Kafka refuses a record: what was not acknowledged then comes again. Without
    `streaming` what a function emits is held back until it has ended.
    """

    def __init__(
        self,
        logic: StageLogic | CoordinatorLogic,
        outbox: Outbox,
        engine: Engine | None,
        fatal: Fatal,
        streaming: bool = True,
    ) -> None:
        self.logic, self.stage = logic, logic.stage
        self._outbox, self._engine, self._fatal, self._streaming = outbox, engine, fatal, streaming
        self._events: dict[Delivery, Any] = {}
        self.relocation = Relocation(self.stage.name, self._events, outbox, self.settlement)
        self._running: dict[asyncio.Task[None], Run] = {}
        self._settling: set[Settlement] = set()
        self._waiting: deque[tuple[Run, Settlement]] = deque()
        self._room = asyncio.Event()
        self._more: dict[RecordSet, asyncio.Event] = {}
        self._log = structlog.get_logger(stage=self.stage.name).bind()  # once, and not at each call

    async def receive(self, event: Any) -> None:
        """Takes one Faust event of the stage's topic. Returns when there is room for more.

        Records are read ahead of the runs: one of them may say that others are in vain.
        """
        await self._receive(event)
        while len(self._waiting) >= AHEAD:
            self._room.clear()
            await self._room.wait()

    async def _receive(self, event: Any) -> None:
        message = event.message
        delivery = Delivery(message.partition, message.offset)
        headers = dict(message.headers or ())
        if self.relocation.takes(event, headers):
            return
        try:
            record = decode_record(headers.get(HEADER), message.value or b"")
        except InvalidInput as error:
            self._log.warning("dead_letter", kind=error.kind, error=str(error))
            settlement = self.settlement()
            self._outbox.dead_letter(
                message.key, message.value, list(headers.items()), self.stage.name, error.kind, str(error), settlement
            )
            self._settle(settlement, [event])
            return
        self._events[delivery] = event
        self._log.debug("received", question=record.ancestry.question, partition=message.partition)
        if effects := self._decide(record, delivery, message):
            await self.perform(effects)

    def _decide(self, record: Record, delivery: Delivery, message: Any) -> list[Effect]:
        return self.logic.receive(record, delivery, message.generation_id, now_ms())

    async def perform(self, effects: Iterable[Effect]) -> None:
        """Carries out a list of effects; its acknowledgements follow when its sends are delivered."""
        settlement = self.settlement()
        done: list[Delivery] = []
        for effect in effects:
            if isinstance(effect, Start):
                self._waiting.append((effect.run, settlement))
                self._begin()
            elif isinstance(effect, Wake):
                if effect.found in self._more:
                    self._more[effect.found].set()
            elif isinstance(effect, Stop):
                self._stop(partial(_reads, effect.found))
            elif isinstance(effect, Cancel):
                done += self._cancel(effect.ended)
            elif isinstance(effect, Acknowledge):
                done += effect.deliveries
            elif isinstance(effect, Publish) and not (effect.final or self._streaming):
                pass  # a result so far
            else:
                if isinstance(effect, Send | Tell):
                    await self._learn(effect.record.epoch)
                self._post([effect], settlement)
        self._settle(settlement, self._taken(done))
        await self._hold_back()

    def settlement(self) -> Settlement:
        """For what is about to be sent."""
        return Settlement(self._undelivered)

    async def carry_out(self, effects: Iterable[Effect], settlement: Settlement | None = None) -> None:
        """Sends, and returns when everything is delivered, also what was sent before. Raises what kept it from that."""
        settlement = settlement or self.settlement()
        for effect in effects:
            if isinstance(effect, Send | Tell):
                await self._learn(effect.record.epoch)
            self._post([effect], settlement)
        settlement.close()
        await settlement.wait()

    async def revoke(self, partitions: set[int]) -> None:
        """Forgets partitions that another instance may own from now on; their records come again, to that one.

        Returns when what was decided for them is delivered: the next owner must find the outcomes on their way.
        """
        self.logic.revoke(partitions)
        for delivery in [d for d in self._events if d.partition in partitions]:
            del self._events[delivery]
        self.relocation.forget(partitions)
        self._stop(lambda run: any(delivery.partition in partitions for delivery in run.held))
        await self._settled(SETTLE_S)

    async def expire_forever(self, may: Callable[[], Awaitable[None]] | None = None) -> None:
        """Lets go of what is past its deadline, each time when `may` has returned, until cancelled."""
        try:
            while True:
                await asyncio.sleep(EXPIRE_EVERY_S)
                if may is not None:
                    await may()
                now = now_ms()
                await self.perform(self.logic.expire(now))
                late = self._stop(partial(_past, now))  # the coordinator ends their questions
                _acknowledge(self._taken(delivery for run in late for delivery in run.held))
        except Exception as error:
            await self._fatal(error)

    async def close(self) -> None:
        """Stops what is running; its input is not acknowledged and comes again."""
        tasks = [*self._running]
        self._stop(lambda run: True)
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._settled(CLOSE_S)

    def _begin(self) -> None:
        while self._waiting and (self.stage.slots is None or len(self._running) < self.stage.slots):
            run, before = self._waiting.popleft()
            task = asyncio.create_task(self._run(run, before))
            self._running[task] = run
            task.add_done_callback(self._ended)
        self._room.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._begin()

    def _cancel(self, ended: Record) -> list[Delivery]:
        """Stops what nobody needs; its input is done with."""
        stopped = self._stop(lambda run: ended.ends(run.ancestry, run.record.epoch))
        return [delivery for run in stopped for delivery in run.held]

    def _stop(self, concerned: Callable[[Run], bool]) -> list[Run]:
        """Cancels runs, at work or waiting. Which those were."""
        stopped = [run for run, _ in self._waiting if concerned(run)]
        self._waiting = deque(one for one in self._waiting if not concerned(one[0]))
        for task, run in self._running.items():
            if concerned(run):
                task.cancel()
                stopped.append(run)
        self._room.set()
        return stopped

    async def _run(self, run: Run, before: Settlement) -> None:
        """Calls the stage's function, once more after an engine's failure; ends the question where that is no use.

        A run whose deadline passes is stopped like one that nobody needs: see `expire_forever`.
        """
        wait = RETRY_AFTER_S
        while True:
            settlement = self.settlement()
            try:
                await self._call(run, settlement)
                break
            except SendError as error:
                await self._fatal(error)
                return
            except Exception as error:
                then = run.after(error)
                again = isinstance(then, Run)
                self._log.warning("run_failed", question=run.ancestry.question, error=repr(error), again=again)
                if isinstance(then, Failure):
                    await self._give_up(run, then)
                    return
                run = then
                await asyncio.sleep(wait)
                wait *= 2
        # The function has ended: what waits for Kafka now takes no slot from others.
        if not before.settled:
            settlement.expect()
            before.then(settlement.delivered)
        self._settle(settlement, self._taken(run.held))

    async def _give_up(self, run: Run, failure: Failure) -> None:
        assert isinstance(self.logic, StageLogic)
        try:
            await self.perform(self.logic.failed(run, failure))
        except SendError as error:
            await self._fatal(error)

    async def _call(self, run: Run, settlement: Settlement) -> None:
        """Sends what the function emits as it emits it, or all at its end."""
        await self._learn(run.record.epoch)
        held_back: list[Effect] = []
        question, item, deadline = run.ancestry.question, run.item_id, run.record.deadline / 1000
        context = Context(question, item, deadline, self._engine, run.attempt)

        async def put(effects: list[Effect]) -> None:
            if self._streaming:
                self._post(effects, settlement)
                await self._hold_back()
            else:
                held_back.extend(effects)

        if isinstance(run, ExplicitRun):
            await self._call_explicit(run, context, put)
        elif self.stage.kind == "expand":
            async with aclosing(self.stage.function(*run.inputs, context)) as items:
                async for item in items:
                    if effects := run.emit(item):
                        await put(effects)
        else:
            await put(run.emit(await self.stage.function(*run.inputs, context)))
        self._post([*held_back, *run.finish()], settlement)

    async def _call_explicit(self, run: ExplicitRun, context: Context, put: Put) -> None:
        """The function writes while it reads, and waits where there is nothing more to read yet."""
        more = self._more[run.found] = asyncio.Event()

        async def wait() -> None:
            more.clear()
            await more.wait()

        run.lend(put, wait)
        try:
            await self.stage.function(*run.inputs, context)
        finally:
            del self._more[run.found]

    async def _learn(self, epoch: int) -> None:
        """Waits for the routing table of an epoch where it has not come. Raises SendError."""
        if not self._outbox.knows(epoch):
            try:
                await self._outbox.learn(epoch)
            except Exception as error:
                raise SendError(str(error)) from error

    def _post(self, effects: list[Effect], settlement: Settlement) -> None:
        """Of an epoch that is known. Raises SendError."""
        for effect in effects:
            assert isinstance(effect, Send | Tell | Publish | DeadLetter)
            try:
                self._outbox.post(effect, settlement)
            except Exception as error:
                raise SendError(str(error)) from error
            if isinstance(effect, Publish) and effect.channel == "output" and not effect.item:
                self._log.info("ended", question=effect.question)

    async def _hold_back(self) -> None:
        """Lets who sends more than Kafka takes wait."""
        if self._outbox.crowded:
            await self._outbox.room()

    def _settle(self, settlement: Settlement, events: list[Any]) -> None:
        """Nothing more is sent for these events: they are acknowledged when everything is delivered."""
        settlement.close()
        if settlement.settled:
            _acknowledge(events)
            return
        self._settling.add(settlement)
        settlement.then(partial(self._settling.discard, settlement))
        settlement.then(partial(_acknowledge, events))

    async def _settled(self, limit_s: float) -> None:
        """Returns when everything is delivered for which nothing more is sent, or when that takes too long."""
        with suppress(Exception):
            async with asyncio.timeout(limit_s):
                for settlement in list(self._settling):
                    await settlement.wait()

    def _undelivered(self, error: BaseException) -> None:
        self._dying = asyncio.ensure_future(self._fatal(error))

    def _taken(self, deliveries: Iterable[Delivery]) -> list[Any]:
        """Their events, out of hand at once: after a rebalance the same delivery may be in hand anew."""
        return [self._events.pop(delivery) for delivery in deliveries if delivery in self._events]


def _reads(found: RecordSet, run: Run) -> bool:
    return isinstance(run, ExplicitRun) and run.found is found


def _past(now: int, run: Run) -> bool:
    return run.record.deadline < now


def _acknowledge(events: Iterable[Any]) -> None:
    for event in events:
        event.ack()
