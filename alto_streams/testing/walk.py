"""A random history: one generator of random numbers decides what happens next, and what goes wrong."""

from __future__ import annotations

from random import Random
from typing import Any

from alto_streams.plan import COORDINATOR
from alto_streams.testing.cluster import ADMITTER, PAUSE_MS, Cluster
from alto_streams.testing.mishaps import MAX_INSTANCES, MAX_PARTITIONS, owned_by
from alto_streams.testing.schedule import KINDS, Event, Faults
from alto_streams.testing.worker import Worker

SPEEDS = (1, 1, 0.2, 0.03)
COMMIT_RATES = (0.01, 0.05, 0.3)
LOOKS_AT_CLOCK = 0.02


class Walk:
    """Draws events, each of them possible when it is drawn."""

    def __init__(self, cluster: Cluster, faults: Faults, random: Random) -> None:
        self.cluster, self.faults, self.random = cluster, faults, random
        self.commit_rate, self.joined = random.choice(COMMIT_RATES), 0
        self.kinds = [kind for kind in KINDS if getattr(faults, kind)]
        self.weights = [getattr(faults, kind) for kind in self.kinds]
        self._speeds: list[tuple[Worker, float]] = []
        self._paced: list[Worker] = []  # those whose speeds are known
        self._pace()

    def step(self) -> Event | None:
        """The next step of any instance that has one, the faster ones more often. None when all is done."""
        cluster, random = self.cluster, self.random.random
        if self._paced is not cluster.workers:
            self._pace()
        while True:
            awake = [pair for pair in self._speeds if not pair[0].idle]
            if not awake:
                return None
            at, index = random() * sum([speed for _, speed in awake]), -1
            while at >= 0 and index < len(awake) - 1:
                index += 1
                at -= awake[index][1]
            worker = awake[index][0]
            actions = cluster.actions(worker)
            if actions:
                return cluster.event(worker, actions[int(random() * len(actions))])

    def _pace(self) -> None:
        """Whoever has come gets a speed."""
        known = dict(self._speeds)
        self._paced = self.cluster.workers
        self._speeds = [(one, known.get(one) or self.random.choice(SPEEDS)) for one in self._paced]

    def commit(self) -> Event | None:
        if self.random.random() < self.commit_rate:
            return Event(self.random.choice(self.cluster.workers).name, "commit")
        return None

    def tick(self) -> Event:
        return Event("", "tick", (self.random.randint(0, self.faults.tick_ms), self.random.random() < LOOKS_AT_CLOCK))

    def fault(self) -> Event | None:
        """None where what was drawn cannot happen to whom it was drawn for."""
        kind = self.random.choices(self.kinds, self.weights)[0]
        worker = self.random.choice(self.cluster.stages[self.random.choice(list(self.cluster.stages))])
        event: Event | None = getattr(self, f"_{kind}")(worker)
        return event

    def _taker(self, worker: Worker) -> str:
        return self.random.choice(self.cluster.stages[worker.stage.name]).name

    def _other(self, worker: Worker) -> str:
        everyone = self.cluster.stages[worker.stage.name]
        return self.random.choice([one for one in everyone if one is not worker] or everyone).name

    def _half(self) -> bool:
        return self.random.random() < 0.5

    def _crash(self, worker: Worker) -> Event:
        owned = owned_by(worker)
        return Event(worker.name, "crash", (self._half(), {number: self._taker(worker) for number in owned}))

    def _move(self, worker: Worker) -> Event | None:
        owned = owned_by(worker)
        return Event(worker.name, "move", (owned[0], self._half(), self._other(worker))) if owned else None

    def _stall(self, worker: Worker) -> Event | None:
        """Not for a coordinator: only transactions could keep a stalled one from ending a question again."""
        owned = owned_by(worker)
        if worker.stage.name == COORDINATOR or len(self.cluster.stages[worker.stage.name]) == 1 or not owned:
            return None
        return Event(worker.name, "stall", (owned[0], self._other(worker)))

    def _regroup(self, worker: Worker) -> Event:
        held = [(one.name, number) for one in self.cluster.stages[worker.stage.name] for number in one.assigned]
        committed = frozenset(pair for pair in held if self._half())
        partitions = len(self.cluster.memory.topics[worker.stage.name])
        return Event(worker.name, "regroup", (committed, tuple(self._taker(worker) for _ in range(partitions))))

    def _join(self, worker: Worker) -> Event | None:
        stage = worker.stage.name
        if len(self.cluster.stages[stage]) == MAX_INSTANCES:
            return None
        self.joined += 1
        moved = {number: self._half() for number in range(len(self.cluster.memory.topics[stage])) if self._half()}
        return Event("", "join", (stage, f"{stage}/new{self.joined}", moved))

    def _leave(self, worker: Worker) -> Event | None:
        if len(self.cluster.stages[worker.stage.name]) == 1:
            return None
        owned = owned_by(worker)
        return Event(worker.name, "leave", {number: (self._half(), self._other(worker)) for number in owned})

    def _grow(self, worker: Worker) -> Event | None:
        """Not for the coordinator: a question has one partition of its topic for good."""
        stage = worker.stage.name
        if stage == COORDINATOR or len(self.cluster.memory.topics[stage]) == MAX_PARTITIONS:
            return None
        return Event("", "grow", (stage, self._taker(worker)))

    def _copy(self, _: Worker) -> Event | None:
        sent = self.cluster.memory.sent
        if not sent:
            return None
        index = len(sent) - 1 - self.random.randrange(min(len(sent), self.random.choice((10, 1000))))
        return Event("", "copy", (index, sent[index]))

    def _readmit(self, _: Worker) -> Event | None:
        admitted = len(self.cluster.admissions)
        return Event("", "readmit", (self.random.randint(1, admitted), self._half())) if admitted else None

    def _cancel(self, _: Worker) -> Event | None:
        asked = self.cluster.questions[: len(self.cluster.admissions)]
        return Event(ADMITTER, "cancel", self.random.choice(asked)[0]) if asked else None

    def _epoch(self, _: Worker) -> Event:
        return Event("", "epoch", self.cluster.draw_table(self.random))

    def _error(self, _: Worker) -> Event | None:
        runs: list[tuple[Worker, Any]] = [
            (worker, index)
            for worker in self.cluster.workers
            if worker.name != ADMITTER
            for index, (activity, _) in enumerate(worker.running)
            if activity.run.retried()
        ]
        if not runs:
            return None
        worker, index = self.random.choice(runs)
        return Event(*self.cluster.event(worker, ("advance", index))._replace(action="error"))

    def _pause(self, _: Worker) -> Event:
        return Event("", "pause", self.random.randint(0, PAUSE_MS))
