"""One instance of a stage on the in-memory Kafka: takes records, sends what follows, acknowledges, commits.

Each thing it can do is one call, so that a simulation may choose what happens next, or lose it half-way. Sends leave by
an outbox that keeps the order of each destination and no other, as a Kafka producer does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

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
from alto_streams.execution import Run, StageLogic
from alto_streams.explicit.execution import ExplicitRun
from alto_streams.explicit.sets import RecordSet
from alto_streams.plan import StagePlan
from alto_streams.record import Record
from alto_streams.routing import Router
from alto_streams.testing.activity import ENDED, PAUSED, WAITING, Activity, NotScripted, Wrote
from alto_streams.testing.assignment import Assignment
from alto_streams.testing.memory import Memory

Logic = StageLogic | CoordinatorLogic
Sent = Send | Tell | Publish | DeadLetter
Destination = tuple[str, int]
AHEAD = 4  # runs that wait for their turn: some records are read before them, as the runtime on Kafka does


@dataclass(slots=True)
class Pending:
    """Sends under way, and what is acknowledged when the last of them has arrived."""

    sends: int = 0
    acknowledged: list[tuple[Assignment, int]] = field(default_factory=list)

    def arrived(self) -> None:
        self.sends -= 1
        self.settle()

    def settle(self) -> None:
        if not self.sends:
            for assignment, offset in self.acknowledged:
                assignment.acknowledge(offset)
            self.acknowledged.clear()


class Worker:
    """One instance. `logic` makes the core's decisions; a crash replaces it by a fresh one."""

    def __init__(
        self, name: str, stage: StagePlan, logic: Callable[[], Logic], memory: Memory, pool: Engine | None = None
    ) -> None:
        self.name, self.stage, self.memory, self.pool = name, stage, memory, pool
        self._fresh = logic
        self.streaming = True  # or what a function writes is held back until it has written all of it
        self.crash()

    def crash(self) -> None:
        """Forgets everything: state, runs, and sends that have not left."""
        for activity, _ in getattr(self, "running", ()):
            activity.cancel()
        self.logic = self._fresh()
        self.router = Router(self.memory.tables)
        self.assigned: dict[int, Assignment] = {}
        self.running: list[tuple[Activity, Pending]] = []
        self.started: list[tuple[Run, Pending]] = []
        self.outbox: dict[Destination, deque[tuple[Sent, Pending]]] = {}
        self.idle = False  # it has been found to have nothing to do, and nothing has concerned it since

    def assign(self, number: int, until: int) -> None:
        """Takes a partition over, from what is committed; `until` is when the ended questions may be forgotten."""
        self.assigned[number] = Assignment(self.memory.topics[self.stage.name][number])
        if isinstance(self.logic, CoordinatorLogic):
            self.logic.remember(number, list(self.memory.ended), until)

    def revoke(self, number: int) -> None:
        """Gives a partition up: its state and runs end; a coordinator waits until all it sent has arrived."""
        if isinstance(self.logic, CoordinatorLogic):
            self.flush_all()
        self.logic.revoke({number})
        self._stop(lambda run: run.held[0].partition == number)
        del self.assigned[number]

    def ready(self, number: int) -> bool:
        """Whether a record may be taken, and its routing table is known here."""
        one = self.assigned[number]
        if not one.readable:
            return False
        known = self.router.current == self.memory.tables[-1].epoch
        return known or self.router.knows(self.memory.read(self.stage.name, number, one.position).epoch)

    @property
    def free(self) -> bool:
        return len(self.started) < AHEAD

    @property
    def may_begin(self) -> bool:
        """Whether another function may be called."""
        slots = self.stage.slots
        return bool(self.started) and (slots is None or len(self.running) < slots)

    def deliver(self, number: int, now: int) -> Record | None:
        """Takes the next record of a partition that is not done. None where only done ones were ready."""
        one = self.assigned[number]
        while self.ready(number):
            offset = one.read()
            if offset is not None:
                record = self.memory.read(self.stage.name, number, offset)
                self.perform(self.logic.receive(record, Delivery(number, offset), one.attempt, now))
                return record
        return None

    def perform(self, effects: list[Effect], pending: Pending | None = None) -> None:
        """Begins what the core asks for; what it acknowledges waits for the sends."""
        pending = pending or Pending()
        for effect in effects:
            if isinstance(effect, Start):
                self.started.append((effect.run, pending))
            elif isinstance(effect, Stop):
                self._stop(partial(_reads, effect.found))
            elif isinstance(effect, Wake):
                continue  # whoever advances the functions sees it
            elif isinstance(effect, Acknowledge):
                pending.acknowledged += [(self.assigned[d.partition], d.offset) for d in effect.deliveries]
            elif isinstance(effect, Cancel):
                held = [d for run in self._stop(partial(_ends, effect.ended)) for d in run.held]
                pending.acknowledged += [(self.assigned[d.partition], d.offset) for d in held]
            else:
                for destination in self._destinations(effect):
                    pending.sends += 1
                    self.outbox.setdefault(destination, deque()).append((effect, pending))
        pending.settle()

    def _stop(self, concerned: Callable[[Run], bool]) -> list[Run]:
        """Ends runs, at work or waiting. Which those were."""
        stopped = [one for one in self.running if concerned(one[0].run)]
        for activity, _ in stopped:
            activity.cancel()
        waiting = [run for run, _ in self.started if concerned(run)]
        self.running = [one for one in self.running if one not in stopped]
        self.started = [one for one in self.started if one[0] not in waiting]
        return [*waiting, *(activity.run for activity, _ in stopped)]

    def _destinations(self, effect: Sent) -> list[Destination]:
        if isinstance(effect, Tell):
            return [(effect.stage, number) for number in self.router.active(effect.stage, effect.record.epoch)]
        if isinstance(effect, Send):
            return [(effect.stage, self.memory.route(effect, self.router))]
        return [(effect.channel, 0) if isinstance(effect, Publish) else ("dead letters", 0)]

    def flush(self, destination: Destination) -> Sent:
        """Lets the oldest send to one destination arrive."""
        waiting = self.outbox[destination]
        effect, pending = waiting.popleft()
        if not waiting:
            del self.outbox[destination]
        if isinstance(effect, Send | Tell):
            self.memory.append(effect, destination[1])
        elif isinstance(effect, Publish):
            self.memory.publish(effect)
        else:
            self.memory.dead_letters.append(effect)
        pending.arrived()
        return effect

    def flush_all(self) -> None:
        while self.outbox:
            self.flush(next(iter(self.outbox)))

    def begin(self) -> None:
        """Calls the function of the next run that the core asked for."""
        run, pending = self.started.pop(0)
        self.running.append((Activity(run, self.pool), pending))

    def advance(self, index: int, fault: Exception | None = None, told: Any = None) -> str:
        """Lets one function go on to its next yield, or fail with `fault`; returns what happened.

        `told` is what came of the step, where it has been made.
        """
        activity, pending = self.running[index]
        try:
            if fault is not None:
                raise fault
            value = told or activity.step()
            if value is PAUSED or value is WAITING:
                return "paused" if value is PAUSED else "reads"
            if isinstance(value, Wrote):
                self.perform(value.effects, pending)
                return f"wrote {value.effects!r}"
            effects = activity.run.finish() if value is ENDED else activity.run.emit(value)
        except NotScripted:
            raise
        except Exception as error:
            self.running.pop(index)
            activity.cancel()
            self.failed(activity.run, error, pending)
            return f"raised {error!r}"
        if value is not ENDED:
            if self.streaming:
                self.perform(effects, pending)
            else:
                activity.held_back += effects
            return f"emitted {value!r}"
        self.running.pop(index)
        self.perform([*activity.held_back, *effects, Acknowledge(tuple(activity.run.held))], pending)
        return "ended"

    def run_name(self, index: int) -> tuple[Any, int]:
        """The item that a run works for, and how many runs for the same item began before it."""
        items = [self._item(i) for i in range(index + 1)]
        return items[index], items.count(items[index]) - 1

    def run_index(self, name: tuple[Any, int]) -> int | None:
        """Where that run is in `running`, if it is."""
        item, nth = name
        found = [index for index in range(len(self.running)) if self._item(index) == item]
        return found[nth] if nth < len(found) else None

    def _item(self, index: int) -> Any:
        ancestry = self.running[index][0].run.ancestry
        return ancestry.key(len(ancestry.path))

    def failed(self, run: Run, error: Exception, pending: Pending) -> None:
        """Begins once more, without the pause that a real engine is given, or ends the question."""
        then = run.after(error)
        if isinstance(then, Run):
            self.started.append((then, pending))
            return
        assert isinstance(self.logic, StageLogic)
        self.perform(self.logic.failed(run, then), pending)

    def commit(self, number: int) -> bool:
        """Then a record that waits goes to the end of its partition, but for the coordinator's, as in the runtime."""
        one = self.assigned[number]
        committed = one.commit()
        if committed and isinstance(self.logic, StageLogic):
            one.relocate()
        return committed

    def open_work(self) -> dict[str, Any]:
        """What is still in this instance's hands, for checks that nothing leaks."""
        tables = self.logic.tables.values()
        found = {
            "runs": sum(not activity.starved for activity, _ in self.running) + len(self.started),
            "sends": sum(map(len, self.outbox.values())),
            "endings": len(self.logic.endings) if isinstance(self.logic, StageLogic) else 0,
            "groups": [key for table in tables for key in table.groups],
            "closed keys": [key for table in tables for key in table.closed],
            "unacknowledged": sum(one.ledger.in_flight for one in self.assigned.values()),
        }
        return {what: left for what, left in found.items() if left}


def _ends(ended: Record, run: Run) -> bool:
    return ended.ends(run.ancestry, run.record.epoch)


def _reads(found: RecordSet, run: Run) -> bool:
    return isinstance(run, ExplicitRun) and run.found is found
