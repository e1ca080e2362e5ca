"""Runs a pipeline in memory under faults: one seeded generator of random numbers decides what happens next.

Everything that a cluster interleaves is one small step here: a record is delivered, a function goes on to its next
yield, a send arrives, an offset is committed, an instance dies. When the faults are used up, all that remains is done,
and the invariants are checked. A failure names its seed, which repeats it exactly.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any

from alto_streams.coordinator import REMEMBER_MS, CoordinatorLogic
from alto_streams.effects import Tell
from alto_streams.engines.protocol import Engine
from alto_streams.pipeline import Pipeline
from alto_streams.plan import COORDINATOR, StagePlan
from alto_streams.progress import Progress
from alto_streams.routing import Router, RoutingTable
from alto_streams.testing.activity import NotScripted
from alto_streams.testing.assignment import Violation
from alto_streams.testing.leftovers import Leftovers
from alto_streams.testing.memory import Memory
from alto_streams.testing.result import Result, result_of
from alto_streams.testing.runner import logic_of
from alto_streams.testing.schedule import Faults, SimulationError, Step
from alto_streams.testing.worker import Worker

Action = tuple[str, Any]
Check = Callable[[Result], None]
PARTITIONS = 4
MAX_STEPS = 1_000_000
DAY_MS = 86_400_000
PAUSE_MS = 5 * REMEMBER_MS
HORIZON_MS = 12 * PAUSE_MS  # how long a new coordinator remembers what ended before it came
KAFKAS_METADATA_BYTES = 4096
NARROW_METADATA_BYTES = (38, 39, 40, 44)  # windows of 7, 15, 23 and 47 records
LONG_ATTEMPT = 10**18  # leaves as little room beside it as any may


def simulate(
    pipeline: Pipeline,
    questions: Mapping[str, Any],
    seed: int,
    faults: Faults = Faults(),  # noqa: B008 - frozen
    *,
    pool: Engine | None = None,
    deadline_ms: int = DAY_MS,
    check: Check | None = None,
) -> Result:
    """One random history of the questions (messages or bytes, by id). Raises SimulationError where an invariant breaks.

    Functions must await nothing but `asyncio.sleep(0)` and scripted engines. `check` may assert more of the result.
    """
    simulation = Simulation(pipeline, questions, seed, faults, pool, deadline_ms)
    try:
        simulation.play()
        result = result_of(pipeline, simulation.memory, simulation.steps, simulation.happened)
        simulation.check_ended()
        if check is not None:
            check(result)
        simulation.check_at_rest()
        simulation.check_nothing_left()
    except NotScripted:
        raise
    except Exception as error:
        raise SimulationError(f"{type(error).__name__}: {error}", seed, simulation.trace) from error
    finally:
        for worker in simulation.workers:
            worker.crash()
    return result


class Simulation:
    """The state of one simulated cluster. Every stage has one to three instances that share its partitions."""

    def __init__(
        self,
        pipeline: Pipeline,
        questions: Mapping[str, Any],
        seed: int,
        faults: Faults,
        pool: Engine | None,
        deadline_ms: int,
    ) -> None:
        self.random, self.faults, self.left = Random(seed), faults, faults.budget
        self.plan, self.questions, self.deadline_ms = pipeline.plan, list(questions.items()), deadline_ms
        self.memory = self._memory()
        self.trace: deque[Step] = deque(maxlen=50)
        self.happened: Counter[str] = Counter()
        self.now, self.steps, self.admitted = 0, 0, 0
        self.copies = Router()
        self._publish_table()
        self.admitter = Worker("admitter", self.plan.stage(COORDINATOR), self._coordinator, self.memory)
        self.stages = {stage.name: self._workers(stage, pool) for stage in self.plan.stages}
        self.workers = [self.admitter, *(w for workers in self.stages.values() for w in workers)]
        self.speeds = [self.random.choice((1, 1, 0.2, 0.03)) for _ in self.workers]
        self.commit_rate = self.random.choice((0.01, 0.05, 0.3))
        for stage in self.stages:
            for number in range(PARTITIONS):
                self._take_over(stage, number)
        kinds = ("crash", "move", "stall", "regroup", "copy", "readmit", "epoch", "error", "pause")
        self.kinds = [kind for kind in kinds if getattr(faults, kind)]
        self.weights = [getattr(faults, kind) for kind in self.kinds]

    def _coordinator(self) -> CoordinatorLogic:
        return CoordinatorLogic(self.plan)

    def _memory(self) -> Memory:
        """At times the broker takes short commits only: where deadlines pass, since a scope that spreads further than a
        commit can tell holds its partition up until its question's deadline.
        """
        if not self.faults.tick_ms or self.random.random() < 0.5:
            return Memory(self.plan, PARTITIONS, KAFKAS_METADATA_BYTES)
        memory = Memory(self.plan, PARTITIONS, self.random.choice(NARROW_METADATA_BYTES))
        for partition in (one for partitions in memory.topics.values() for one in partitions):
            partition.commit(Progress(0, LONG_ATTEMPT))
        return memory

    def _workers(self, stage: StagePlan, pool: Engine | None) -> list[Worker]:
        count = self.random.randint(1, 3)
        return [Worker(f"{stage.name}/{i}", stage, partial(logic_of, self.plan, stage.name), self.memory, pool)
                for i in range(count)]  # fmt: skip

    def _publish_table(self) -> None:
        """Another choice of active partitions. Those of the coordinator stay, so that a question has one for good."""
        active = {}
        for stage in self.plan.stages:
            count = PARTITIONS if stage.name == COORDINATOR else self.random.randint(1, PARTITIONS)
            active[stage.name] = tuple(sorted(self.random.sample(range(PARTITIONS), count)))
        self.memory.tables.append(RoutingTable(len(self.memory.tables) + 1, active))
        self.copies.learn(self.memory.tables[-1])

    def _take_over(self, stage: str, number: int, but: Worker | None = None) -> str:
        others = [worker for worker in self.stages[stage] if worker is not but] or self.stages[stage]
        worker = self.random.choice(others)
        if number in worker.assigned:
            worker.revoke(number)
        worker.assign(number, self.now + self.deadline_ms + HORIZON_MS)
        return worker.name

    # what happens by itself

    def play(self) -> None:
        """Until nothing is left to do but to let deadlines pass."""
        while True:
            if self.left and self.random.random() * self.faults.every < 1:
                self._fault()
            if self.faults.tick_ms:
                self._tick()
            if not self._step() and not self._deadlines_pass():
                return
            if self.random.random() < self.commit_rate:
                self._commit()

    def _step(self) -> bool:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise Violation(f"Still busy after {MAX_STEPS} steps.")
        for worker in self.random.choices(self.workers, self.speeds, k=8):
            actions = self._actions(worker)
            if actions:
                self._do(worker, self.random.choice(actions))
                return True
        for worker in self.random.sample(self.workers, len(self.workers)):
            actions = self._actions(worker)
            if actions:
                self._do(worker, self.random.choice(actions))
                return True
        return False

    def _actions(self, worker: Worker) -> list[Action]:
        actions: list[Action] = [("flush", destination) for destination in worker.outbox]
        if worker is self.admitter:
            if self.admitted < len(self.questions):
                actions.append(("admit", None))
        else:
            actions += [("advance", index) for index, (one, _) in enumerate(worker.running) if not one.starved]
            if worker.idle:
                actions.append(("begin", None))
            if worker.free:
                actions += [("deliver", number) for number in worker.assigned if worker.ready(number)]
            actions += [("notice", number) for number, one in worker.assigned.items() if one.lost]
        if worker.router.current != self.memory.tables[-1].epoch:
            actions.append(("learn", None))
        return actions

    def _do(self, worker: Worker, action: Action) -> None:
        kind, argument = action
        detail: Any = argument
        if kind == "flush":
            detail = (argument, worker.flush(argument))
        elif kind == "admit":
            detail = self._admit()
        elif kind == "advance":
            name = worker.running[argument][0].run.ancestry
            detail = (name, worker.advance(argument))
        elif kind == "begin":
            worker.begin()
        elif kind == "deliver":
            one = worker.assigned[argument]
            record = worker.deliver(argument, self.now)
            detail = (argument, one.attempt, one.position - 1, record)
        elif kind == "notice":
            worker.revoke(argument)
        else:
            worker.router.learn(self.memory.tables[worker.router.current])
        self.trace.append(Step(self.steps, worker.name, kind, detail))

    def _admit(self) -> str:
        question, value = self.questions[self.admitted]
        self.admitted += 1
        logic = self.admitter.logic
        assert isinstance(logic, CoordinatorLogic)
        self.admitter.perform(logic.admit(question, value, self.admitter.router.current, self.now + self.deadline_ms))
        return question

    def _commit(self) -> None:
        worker = self.random.choice(self.workers)
        for number in worker.assigned:
            if worker.commit(number):
                self.trace.append(Step(self.steps, worker.name, "commit", number))

    def _tick(self) -> None:
        self.now += self.random.randint(0, self.faults.tick_ms)
        if self.random.random() < 0.02:
            for worker in self.workers:
                worker.perform(worker.logic.expire(self.now))

    def _deadlines_pass(self) -> bool:
        """Where the clock runs, nothing else to do means waiting for the deadlines; once that is over, False."""
        if not self.faults.tick_ms or len(self.memory.ended) == len(self.questions):
            return False
        self.now += self.deadline_ms + 1
        for worker in self.workers:
            worker.perform(worker.logic.expire(self.now))
        return any(self._actions(worker) for worker in self.workers)

    # what goes wrong

    def _fault(self) -> None:
        kind = self.random.choices(self.kinds, self.weights)[0]
        stage = self.random.choice(list(self.stages))
        worker = self.random.choice(self.stages[stage])
        detail = getattr(self, f"_{kind}")(stage, worker)
        if detail is not None:
            self.left -= 1
            self.happened[kind] += 1
            self.trace.append(Step(self.steps, worker.name, kind.upper(), detail))

    def _crash(self, stage: str, worker: Worker) -> Any:
        lost = {number for number, one in worker.assigned.items() if not one.lost}
        worker.crash()
        return [(number, self._take_over(stage, number)) for number in sorted(lost)]

    def _move(self, stage: str, worker: Worker) -> Any:
        for number, one in worker.assigned.items():
            if not one.lost:
                self._give_up(worker, number)
                return number, self._take_over(stage, number, but=worker)
        return None

    def _give_up(self, worker: Worker, number: int) -> None:
        """With a last commit, which may fail."""
        if self.random.random() < 0.5:
            worker.commit(number)
        worker.revoke(number)

    def _stall(self, stage: str, worker: Worker) -> Any:
        """Not for a coordinator: only transactions could keep a stalled one from ending a question again."""
        if stage == COORDINATOR or len(self.stages[stage]) == 1:
            return None
        owned = [number for number, one in worker.assigned.items() if not one.lost]
        return (owned[0], self._take_over(stage, owned[0], but=worker)) if owned else None

    def _regroup(self, stage: str, worker: Worker) -> Any:
        for one in self.stages[stage]:
            for number in list(one.assigned):
                self._give_up(one, number)
        return [self._take_over(stage, number) for number in range(PARTITIONS)]

    def _copy(self, stage: str, worker: Worker) -> Any:
        sent = self.memory.sent[-self.random.choice((10, 1000)) :]
        if not sent:
            return None
        send = self.random.choice(sent)
        if isinstance(send, Tell):
            number = self.random.choice(self.copies.active(send.stage, send.record.epoch))
        else:
            number = self.memory.route(send, self.copies)
        self.memory.append(send, number)
        return send

    def _readmit(self, stage: str, worker: Worker) -> Any:
        if not self.admitted:
            return None
        self.admitted -= self.random.randint(1, self.admitted)
        return self.admitted

    def _epoch(self, stage: str, worker: Worker) -> Any:
        self._publish_table()
        return self.memory.tables[-1]

    def _error(self, stage: str, worker: Worker) -> Any:
        """Not on a run's last try, or its question would fail."""
        runs = [(w, i) for w in self.workers for i, (one, _) in enumerate(w.running) if one.run.retried()]
        if not runs:
            return None
        worker, index = self.random.choice(runs)
        run = worker.running[index][0].run
        return worker.name, run.ancestry, worker.advance(index, RuntimeError("injected"))

    def _pause(self, stage: str, worker: Worker) -> Any:
        self.now += self.random.randint(0, PAUSE_MS)
        return self.now

    # what must hold

    def check_ended(self) -> None:
        missing = [question for question, _ in self.questions if question not in self.memory.ended]
        if missing:
            waiting = [(w.name, work) for w in self.workers if (work := w.open_work())]
            raise Violation(f"Questions {missing} have not ended. Still open: {waiting}")

    def check_at_rest(self) -> None:
        """All is acknowledged and committed but for what nobody can complete. Not where the clock runs: a deadline that
        cuts a question off at one stage leaves its records in part at the next, until that one looks at its clock.
        """
        if not self.faults.tick_ms:
            leftovers = Leftovers(self.memory)
            for worker in self.workers:
                leftovers.check(worker)

    def check_nothing_left(self) -> None:
        """Beyond every deadline, all is acknowledged and committed, and nothing is remembered."""
        self.now += self.deadline_ms + HORIZON_MS + REMEMBER_MS + 1
        outcomes = len(self.memory.ended)
        for worker in self.workers:
            worker.perform(worker.logic.expire(self.now))
        while self._step():
            pass
        if len(self.memory.ended) != outcomes:
            raise Violation("A question ended after its end.")
        for worker in self.workers:
            if work := worker.open_work():
                raise Violation(f"Instance {worker.name} still holds {work}.")
            for number, one in worker.assigned.items():
                worker.commit(number)
                if one.partition.committed != len(one.partition.log):
                    raise Violation(
                        f"Partition {number} of '{worker.stage.name}' is committed to {one.partition.committed} "
                        f"of {len(one.partition.log)}."
                    )
