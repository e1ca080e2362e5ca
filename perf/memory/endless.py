"""Runs questions without end in one process, so many in flight at a time, on a Kafka in memory that forgets.

What the simulator's Kafka keeps for its checks is left out, and a log ends where its commit begins, as retention would
have it. What remains is what the core and its workers hold: groups, scopes, closed keys, ledgers, runs, sends.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import Any

from alto_streams.coordinator import CoordinatorLogic
from alto_streams.effects import Publish, Send, Tell
from alto_streams.plan import Plan
from alto_streams.progress import Progress
from alto_streams.routing import Router, RoutingTable
from alto_streams.testing.assignment import Partition
from alto_streams.testing.memory import Memory
from alto_streams.testing.runner import logic_of
from alto_streams.testing.worker import Worker

PARTITIONS = 2
METADATA_BYTES = 4096  # Kafka's default limit of a commit's text
PER_QUESTION_MS = 10  # of the questions' own time: a hundred questions a second
DEADLINE_MS = 60_000
COMMIT_EVERY = 50  # questions


class Log:
    """A list of records that begins later and later."""

    def __init__(self) -> None:
        self._records: deque[tuple[bytes, bytes]] = deque()
        self.begin = 0

    def __len__(self) -> int:
        return self.begin + len(self._records)

    def __getitem__(self, offset: int) -> tuple[bytes, bytes]:
        return self._records[offset - self.begin]

    def append(self, record: tuple[bytes, bytes]) -> None:
        self._records.append(record)

    def forget(self, offset: int) -> None:
        """What is before `offset`."""
        while self.begin < offset:
            self._records.popleft()
            self.begin += 1

    @property
    def kept(self) -> int:
        return len(self._records)


class Forgetful(Partition):
    """A partition that keeps nothing that is committed."""

    def __init__(self) -> None:
        super().__init__(METADATA_BYTES, Log())  # type: ignore[arg-type]

    def commit(self, progress: Progress) -> None:
        super().commit(progress)
        self.log.forget(self.committed)  # type: ignore[attr-defined]
        self.done = {offset for offset in self.done if offset >= self.committed}


class Endless(Memory):
    """Topics that remember the recent outcomes alone, which a new coordinator reads, and count the others."""

    def __init__(self, plan: Plan, recent: int) -> None:
        super().__init__(plan, 0)
        self.topics = {stage.name: [Forgetful() for _ in range(PARTITIONS)] for stage in plan.stages}
        self.recent, self.concluded, self.failed = recent, 0, 0

    def route(self, send: Send, router: Router) -> int:
        return router.partition(send.stage, send.record.epoch, send.constraint)

    def append(self, send: Send | Tell, partition: int) -> None:
        super().append(send, partition)
        self.sent.clear()

    def publish(self, effect: Publish) -> None:
        super().publish(effect)
        self.output.clear()
        self.progress.clear()
        if effect.type == "outcome":
            self.concluded += 1
            self.failed += effect.value == b"failed"
            if len(self.ended) > self.recent:
                del self.ended[next(iter(self.ended))]


class Endlessly:
    """One instance of each stage. Every `crash_every` questions one of them crashes and takes its partitions again."""

    def __init__(self, plan: Plan, in_flight: int, crash_every: int = 0) -> None:
        self.in_flight, self.crash_every = in_flight, crash_every
        self.memory = Endless(plan, recent=4 * in_flight)
        everywhere = tuple(range(PARTITIONS))
        self.memory.tables.append(RoutingTable(1, {stage.name: everywhere for stage in plan.stages}))
        self.workers = [Worker(s.name, s, partial(logic_of, plan, s.name), self.memory) for s in plan.stages]
        for worker in self.workers:
            self._assign(worker)
        self.asked = self.crashes = 0

    @property
    def now(self) -> int:
        return self.asked * PER_QUESTION_MS

    def _assign(self, worker: Worker) -> None:
        for number in range(PARTITIONS):
            worker.assign(number, self.now + DEADLINE_MS if hasattr(self, "asked") else 0)

    def run(self, questions: int) -> None:
        """Until so many have been asked in all; they need not have ended."""
        while self.asked < questions:
            if self.asked - self.memory.concluded < self.in_flight:
                self._ask()
            else:
                self._pass()

    def end(self) -> None:
        """Until all have ended."""
        while self.memory.concluded < self.asked:
            self._pass()

    def _ask(self) -> None:
        coordinator = self.workers[-1]
        logic = coordinator.logic
        assert isinstance(logic, CoordinatorLogic)
        coordinator.perform(logic.admit(f"question-{self.asked}", b"q", 1, self.now + DEADLINE_MS))
        self.asked += 1
        if self.asked % COMMIT_EVERY == 0:
            for worker in self.workers:
                worker.perform(worker.logic.expire(self.now))
                for number in worker.assigned:
                    worker.commit(number)
        if self.crash_every and self.asked % self.crash_every == 0:
            worker = self.workers[self.crashes % (len(self.workers) - 1)]  # a coordinator's own sends would be lost
            self.crashes += 1
            worker.crash()
            self._assign(worker)

    def _pass(self) -> None:
        """Every instance does what it can do at once, one record of each partition."""
        for worker in self.workers:
            while worker.started:
                worker.begin()
                while worker.running:
                    worker.advance(0)
            worker.flush_all()
            for number in range(PARTITIONS):
                if worker.free and worker.ready(number):
                    worker.deliver(number, self.now)

    def held(self) -> dict[str, int]:
        """What all instances hold, by kind; `records` are those that the topics keep."""
        kinds = ("groups", "closed keys", "endings", "unacknowledged", "runs", "sends", "records")
        found = dict.fromkeys(kinds, 0)
        for worker in self.workers:
            for what, left in worker.open_work().items():
                found[what] += len(left) if isinstance(left, list) else left
        logs: list[Any] = [partition.log for partitions in self.memory.topics.values() for partition in partitions]
        found["records"] = sum(log.kept for log in logs)
        return found
