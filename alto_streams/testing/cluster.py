"""A simulated cluster: the instances of every stage share its partitions, and events happen to them.

It chooses nothing by itself once it is set up. What may happen next is asked of it (`actions`), an event is carried out
(`apply`), and whoever drives it decides which: random numbers, a schedule, or time.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from functools import partial
from random import Random
from typing import Any

from alto_streams.coordinator import REMEMBER_MS, CoordinatorLogic
from alto_streams.effects import Send, Tell
from alto_streams.plan import COORDINATOR, Plan, StagePlan
from alto_streams.progress import Progress
from alto_streams.routing import Router, RoutingTable
from alto_streams.testing import mishaps
from alto_streams.testing.activity import Activity
from alto_streams.testing.assignment import Violation
from alto_streams.testing.memory import Memory
from alto_streams.testing.runner import logic_of
from alto_streams.testing.schedule import KINDS, OTHERS, STEPS, Event, Step
from alto_streams.testing.simulated import Simulated
from alto_streams.testing.worker import Pending, Worker

Action = tuple[str, Any]
PARTITIONS = 4
PAUSE_MS = 5 * REMEMBER_MS
HORIZON_MS = 12 * PAUSE_MS  # how long a new coordinator remembers what ended before it came
KAFKAS_METADATA_BYTES = 4096
NARROW_METADATA_BYTES = (38, 39, 40, 44)  # windows of 7, 15, 23 and 47 records
LONG_ATTEMPT = 10**18  # leaves as little room beside it as any may
ADMITTER = "admitter"
MAX_STEPS = 1_000_000


class Cluster:
    """`random` decides how many instances there are, who owns what at first, and which partitions are active.

    With `instances` these are so many of each stage (one where it is not named), and each owns one active partition.
    """

    def __init__(
        self,
        case: Simulated,
        random: Random,
        trace: int | None = 50,
        instances: Mapping[str, int] | None = None,
    ) -> None:
        self.plan: Plan = case.pipeline.plan
        self.questions, self.deadline_ms = list(case.questions.items()), case.deadline_ms
        self.instances, self.pool = instances, case.pool
        partitions = max(PARTITIONS, *(instances or {}).values(), 0)
        self.memory = _memory(self.plan, case, partitions, random)
        self.trace: deque[Step] = deque(maxlen=trace)
        self.happened: Counter[str] = Counter()
        self.now, self.steps = 0, 0
        self.admissions: list[Pending] = []  # of the questions read so far, in turn
        self.chosen = True  # whether what is applied now is a choice; told in the trace
        self.copies = Router()
        self.workers: list[Worker] = []
        self.publish_table(self.draw_table(random))
        self.admitter = Worker(ADMITTER, self.plan.stage(COORDINATOR), self._coordinator, self.memory)
        self.stages = {stage.name: self._workers(stage, random) for stage in self.plan.stages}
        self.crew_changed()
        self._apply = {action: getattr(self, f"_{action}") for action in (*STEPS, *OTHERS)}
        self._apply |= {kind: partial(getattr(mishaps, kind), self) for kind in KINDS}
        for stage, workers in self.stages.items():
            for number in range(partitions):
                owner = random.choice(workers) if instances is None else workers[number % len(workers)]
                self.take_over(stage, number, owner.name)

    def _coordinator(self) -> CoordinatorLogic:
        return CoordinatorLogic(self.plan)

    def _workers(self, stage: StagePlan, random: Random) -> list[Worker]:
        count = random.randint(1, 3) if self.instances is None else self.instances.get(stage.name, 1)
        return [self.new_worker(stage.name, f"{stage.name}/{i}") for i in range(count)]

    def new_worker(self, stage: str, name: str) -> Worker:
        """An instance that owns nothing yet."""
        return Worker(name, self.plan.stage(stage), partial(logic_of, self.plan, stage), self.memory, self.pool)

    def crew_changed(self) -> None:
        """Whoever is in `stages` takes part from now on, and nobody else. `workers` is another list then."""
        self.workers = [self.admitter, *(worker for workers in self.stages.values() for worker in workers)]
        self.by_name = {worker.name: worker for worker in self.workers}

    def draw_table(self, random: Random) -> dict[str, tuple[int, ...]]:
        """Another choice of active partitions. Those of the coordinator stay, so that a question has one for good."""
        if self.instances is not None:
            return {stage.name: tuple(range(self.instances.get(stage.name, 1))) for stage in self.plan.stages}
        active = {}
        for stage in self.plan.stages:
            known = len(self.memory.topics[stage.name])
            count = known if stage.name == COORDINATOR else random.randint(1, known)
            active[stage.name] = tuple(sorted(random.sample(range(known), count)))
        return active

    def publish_table(self, active: Mapping[str, tuple[int, ...]]) -> None:
        self.memory.tables.append(RoutingTable(len(self.memory.tables) + 1, active))
        self.copies.learn(self.memory.tables[-1])
        self.wake()

    def take_over(self, stage: str, number: int, taker: str | None, but: Worker | None = None) -> str:
        """By the instance of that name where it may, or else by the first that may."""
        others = [worker for worker in self.stages[stage] if worker is not but] or self.stages[stage]
        worker = next((worker for worker in others if worker.name == taker), others[0])
        if number in worker.assigned:
            worker.revoke(number)
        worker.assign(number, self.now + self.deadline_ms + HORIZON_MS)
        self.wake()
        return worker.name

    def wake(self) -> None:
        """Whatever concerns more than one instance: any of them may have something to do now."""
        for worker in self.workers:
            worker.idle = False

    def close(self) -> None:
        for worker in self.workers:
            worker.crash()

    # what may happen

    def actions(self, worker: Worker) -> list[Action]:
        """What an instance could do now. One that finds nothing is idle until something concerns it."""
        actions: list[Action] = [("flush", destination) for destination in worker.outbox]
        if worker is self.admitter:
            if len(self.admissions) < len(self.questions):
                actions.append(("admit", None))
        else:
            running = worker.running
            if running:
                actions += [("advance", index) for index, (one, _) in enumerate(running) if not one.starved]
            if worker.may_begin:
                actions.append(("begin", None))
            free = worker.free
            for number, one in worker.assigned.items():
                if free and one.position < len(one.partition.log) and worker.ready(number):
                    actions.append(("deliver", number))
                if one.generation != one.partition.generation:
                    actions.append(("notice", number))
        if worker.router.current != self.memory.tables[-1].epoch:
            actions.append(("learn", None))
        worker.idle = not actions
        return actions

    def event(self, worker: Worker, action: Action) -> Event:
        """The name of an action."""
        kind, argument = action
        return Event(worker.name, kind, worker.run_name(argument) if kind == "advance" else argument)

    def first(self) -> Event | None:
        """The next step in the default order: whatever is furthest downstream goes first. None when all is done."""
        for worker in reversed(self.workers):
            if not worker.idle and (actions := self.actions(worker)):
                return self.event(worker, actions[0])
        return None

    def apply(self, event: Event) -> bool:
        """Lets it happen. False where it is not possible now."""
        worker = self.by_name.get(event.instance)
        if event.instance and worker is None:
            return False  # it has left
        if event.ordinary:
            self._step()
        detail = self._apply[event.action](worker, event.argument)
        if detail is None:
            return False
        if worker is not None:
            worker.idle = False
        if event.is_fault:
            self.happened[event.action] += 1
            self.wake()
        self.trace.append(Step(self.steps, event, detail, self.chosen))
        return True

    def go_on(self, worker: Worker, activity: Activity) -> None:
        """As "advance", for one who knows the very run; nothing where it is over."""
        index = next((index for index, (one, _) in enumerate(worker.running) if one is activity), None)
        if index is not None:
            self._step()
            worker.advance(index)

    def _step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise Violation(f"Still busy after {MAX_STEPS} steps.")

    # what happens by itself: each returns what the trace says of it, or None where it is not possible;
    # what goes wrong is in mishaps.py

    def _flush(self, worker: Worker, destination: Any) -> Any:
        if destination not in worker.outbox:
            return None
        effect = worker.flush(destination)
        if isinstance(effect, Send | Tell):
            for reader in self.stages[effect.stage]:
                reader.idle = False
        return destination, effect

    def _admit(self, worker: Worker, _: None) -> Any:
        if len(self.admissions) == len(self.questions):
            return None
        question, value = self.questions[len(self.admissions)]
        logic, sent = worker.logic, Pending()
        assert isinstance(logic, CoordinatorLogic)
        worker.perform(logic.admit(question, value, worker.router.current, self.now + self.deadline_ms), sent)
        self.admissions.append(sent)
        return question

    def _advance(self, worker: Worker, name: Any) -> Any:
        index = worker.run_index(name)
        if index is None or worker.running[index][0].starved:
            return None
        ancestry = worker.running[index][0].run.ancestry
        return ancestry, worker.advance(index)

    def _begin(self, worker: Worker, _: None) -> Any:
        if not worker.may_begin:
            return None
        worker.begin()
        return ()

    def _deliver(self, worker: Worker, number: int) -> Any:
        one = worker.assigned.get(number)
        if one is None or not worker.free or not worker.ready(number):
            return None
        record = worker.deliver(number, self.now)
        return number, one.attempt, one.position - 1, record

    def _notice(self, worker: Worker, number: int) -> Any:
        one = worker.assigned.get(number)
        if one is None or not one.lost:
            return None
        worker.revoke(number)
        self.wake()  # a coordinator sends all it holds before it gives a partition up
        return number

    def _learn(self, worker: Worker, _: None) -> Any:
        if worker.router.current == self.memory.tables[-1].epoch:
            return None
        worker.router.learn(self.memory.tables[worker.router.current])
        return worker.router.current

    def _commit(self, worker: Worker, _: None) -> Any:
        return [number for number in worker.assigned if worker.commit(number)] or None

    def _tick(self, _: None, argument: tuple[int, bool]) -> Any:
        ms, look = argument
        self.now += ms
        if look:
            self.expire()
        return ms or look or None

    def _look(self, worker: Worker, _: None) -> Any:
        effects = worker.logic.expire(self.now)
        worker.perform(effects)
        return len(effects) or None

    def _deadline(self, _: None, argument: None) -> Any:
        self.now += self.deadline_ms + 1
        self.expire()
        return ()

    def expire(self) -> None:
        """Every instance looks at its clock."""
        for worker in self.workers:
            worker.perform(worker.logic.expire(self.now))
        self.wake()


def _memory(plan: Plan, case: Simulated, partitions: int, random: Random) -> Memory:
    """At times the broker takes short commits only: where deadlines pass, since a scope that spreads further than a
    commit can tell holds its partition up until its question's deadline.
    """
    if not case.faults.tick_ms or random.random() < 0.5:
        return Memory(plan, partitions, KAFKAS_METADATA_BYTES)
    return Memory(plan, partitions, random.choice(NARROW_METADATA_BYTES), Progress(0, LONG_ATTEMPT))
