"""A simulated cluster: every stage has one to three instances that share its partitions, and events happen to them.

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
from alto_streams.errors import EngineError
from alto_streams.plan import COORDINATOR, Plan, StagePlan
from alto_streams.progress import Progress
from alto_streams.routing import Router, RoutingTable
from alto_streams.testing.activity import Activity
from alto_streams.testing.assignment import Violation
from alto_streams.testing.memory import Memory
from alto_streams.testing.runner import logic_of
from alto_streams.testing.schedule import KINDS, OTHERS, STEPS, Event, Step
from alto_streams.testing.simulated import Simulated
from alto_streams.testing.worker import Worker

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
        self.instances = instances
        self.partitions = max(PARTITIONS, *(instances or {}).values(), 0)
        self.memory = _memory(self.plan, case, self.partitions, random)
        self.trace: deque[Step] = deque(maxlen=trace)
        self.happened: Counter[str] = Counter()
        self.now, self.steps, self.admitted = 0, 0, 0
        self.chosen = True  # whether what is applied now is a choice; told in the trace
        self._copies = Router()
        self.workers: list[Worker] = []
        self.publish_table(self.draw_table(random))
        self.admitter = Worker(ADMITTER, self.plan.stage(COORDINATOR), self._coordinator, self.memory)
        self.stages = {stage.name: self._workers(stage, case, random) for stage in self.plan.stages}
        self.workers = [self.admitter, *(w for workers in self.stages.values() for w in workers)]
        self.by_name = {worker.name: worker for worker in self.workers}
        self._apply = {action: getattr(self, f"_{action}") for action in (*STEPS, *OTHERS, *KINDS)}
        for stage, workers in self.stages.items():
            for number in range(self.partitions):
                owner = random.choice(workers) if instances is None else workers[number % len(workers)]
                self._take_over(stage, number, owner.name)

    def _coordinator(self) -> CoordinatorLogic:
        return CoordinatorLogic(self.plan)

    def _workers(self, stage: StagePlan, case: Simulated, random: Random) -> list[Worker]:
        logic = partial(logic_of, self.plan, stage.name)
        count = random.randint(1, 3) if self.instances is None else self.instances.get(stage.name, 1)
        return [Worker(f"{stage.name}/{i}", stage, logic, self.memory, case.pool) for i in range(count)]

    def draw_table(self, random: Random) -> dict[str, tuple[int, ...]]:
        """Another choice of active partitions. Those of the coordinator stay, so that a question has one for good."""
        if self.instances is not None:
            return {stage.name: tuple(range(self.instances.get(stage.name, 1))) for stage in self.plan.stages}
        active = {}
        for stage in self.plan.stages:
            count = PARTITIONS if stage.name == COORDINATOR else random.randint(1, PARTITIONS)
            active[stage.name] = tuple(sorted(random.sample(range(PARTITIONS), count)))
        return active

    def publish_table(self, active: Mapping[str, tuple[int, ...]]) -> None:
        self.memory.tables.append(RoutingTable(len(self.memory.tables) + 1, active))
        self._copies.learn(self.memory.tables[-1])
        self.wake()

    def _take_over(self, stage: str, number: int, taker: str | None, but: Worker | None = None) -> str:
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
            if self.admitted < len(self.questions):
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
        return Event(worker.name, kind, run_name(worker, argument) if kind == "advance" else argument)

    def first(self) -> Event | None:
        """The next step in the default order: whatever is furthest downstream goes first. None when all is done."""
        for worker in reversed(self.workers):
            if not worker.idle and (actions := self.actions(worker)):
                return self.event(worker, actions[0])
        return None

    def apply(self, event: Event) -> bool:
        """Lets it happen. False where it is not possible now."""
        worker = self.by_name.get(event.instance)
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

    # what happens by itself: each returns what the trace says of it, or None where it is not possible

    def _flush(self, worker: Worker, destination: Any) -> Any:
        if destination not in worker.outbox:
            return None
        effect = worker.flush(destination)
        if isinstance(effect, Send | Tell):
            for reader in self.stages[effect.stage]:
                reader.idle = False
        return destination, effect

    def _admit(self, worker: Worker, _: None) -> Any:
        if self.admitted >= len(self.questions):
            return None
        question, value = self.questions[self.admitted]
        self.admitted += 1
        logic = worker.logic
        assert isinstance(logic, CoordinatorLogic)
        worker.perform(logic.admit(question, value, worker.router.current, self.now + self.deadline_ms))
        return question

    def _advance(self, worker: Worker, name: Any) -> Any:
        index = run_index(worker, name)
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

    # what goes wrong

    def _crash(self, worker: Worker, takers: Mapping[int, str]) -> Any:
        owned = sorted(number for number, one in worker.assigned.items() if not one.lost)
        worker.crash()
        stage = worker.stage.name
        return [(number, self._take_over(stage, number, takers.get(number))) for number in owned]

    def _move(self, worker: Worker, argument: tuple[int, bool, str]) -> Any:
        number, committed, taker = argument
        one = worker.assigned.get(number)
        if one is None or one.lost:
            return None
        self._give_up(worker, number, committed)
        return number, self._take_over(worker.stage.name, number, taker, but=worker)

    def _give_up(self, worker: Worker, number: int, committed: bool) -> None:
        """With a last commit, which may fail."""
        if committed:
            worker.commit(number)
        worker.revoke(number)

    def _stall(self, worker: Worker, argument: tuple[int, str]) -> Any:
        number, taker = argument
        one = worker.assigned.get(number)
        if one is None or one.lost:
            return None
        return number, self._take_over(worker.stage.name, number, taker, but=worker)

    def _regroup(self, worker: Worker, argument: tuple[frozenset[tuple[str, int]], tuple[str, ...]]) -> Any:
        committed, takers = argument
        stage = worker.stage.name
        for one in self.stages[stage]:
            for number in list(one.assigned):
                self._give_up(one, number, (one.name, number) in committed)
        return [self._take_over(stage, number, taker) for number, taker in enumerate(takers)]

    def _copy(self, _: None, argument: tuple[int, Send | Tell]) -> Any:
        """Of the very record where it was sent in this history, or else of the last one of its name."""
        index, wanted = argument
        sent = self.memory.sent
        if index >= len(sent) or sent[index] != wanted:
            name = send_name(wanted)
            index = next((i for i in reversed(range(len(sent))) if sent[i] == wanted), -1)
            if index < 0:
                index = next((i for i in reversed(range(len(sent))) if send_name(sent[i]) == name), -1)
            if index < 0:
                return None
        send = sent[index]
        if isinstance(send, Tell):
            active = self._copies.active(send.stage, send.record.epoch)
            number = active[index % len(active)]
        else:
            number = self.memory.route(send, self._copies)
        self.memory.append(send, number)
        return send

    def _readmit(self, _: None, back: int) -> Any:
        if not self.admitted:
            return None
        self.admitted -= min(back, self.admitted)
        return [question for question, _ in self.questions[self.admitted :][:back]]

    def _cancel(self, worker: Worker, question: str) -> Any:
        """Its asker wants it no more."""
        logic = worker.logic
        assert isinstance(logic, CoordinatorLogic)
        worker.perform(logic.cancel(question, worker.router.current, self.now + self.deadline_ms))
        return question

    def _epoch(self, _: None, active: Mapping[str, tuple[int, ...]]) -> Any:
        self.publish_table(active)
        return active

    def _error(self, worker: Worker, name: Any) -> Any:
        """As an engine fails, for nothing else is tried again. Not on a run's last try, or its question would fail."""
        index = run_index(worker, name)
        if index is None or worker.running[index][0].run.retried() is None:
            return None
        ancestry = worker.running[index][0].run.ancestry
        return ancestry, worker.advance(index, EngineError("injected"))

    def _pause(self, _: None, ms: int) -> Any:
        self.now += ms
        return ms


def _memory(plan: Plan, case: Simulated, partitions: int, random: Random) -> Memory:
    """At times the broker takes short commits only: where deadlines pass, since a scope that spreads further than a
    commit can tell holds its partition up until its question's deadline.
    """
    if not case.faults.tick_ms or random.random() < 0.5:
        return Memory(plan, partitions, KAFKAS_METADATA_BYTES)
    memory = Memory(plan, partitions, random.choice(NARROW_METADATA_BYTES))
    for partition in (one for partitions in memory.topics.values() for one in partitions):
        partition.commit(Progress(0, LONG_ATTEMPT))
    return memory


def run_name(worker: Worker, index: int) -> tuple[Any, int]:
    """The item that a run works for, and how many runs for the same item began before it."""
    names = [_item(worker, i) for i in range(index + 1)]
    return names[index], names.count(names[index]) - 1


def run_index(worker: Worker, name: tuple[Any, int]) -> int | None:
    item, nth = name
    found = [index for index in range(len(worker.running)) if _item(worker, index) == item]
    return found[nth] if nth < len(found) else None


def _item(worker: Worker, index: int) -> Any:
    ancestry = worker.running[index][0].run.ancestry
    return ancestry.key(len(ancestry.path))


def send_name(send: Send | Tell) -> Any:
    """What it is, whichever attempt it comes from."""
    record = send.record
    return send.stage, record.kind, record.port, record.ancestry.key(len(record.ancestry.path))
