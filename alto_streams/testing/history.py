"""One history of a simulated cluster, and what must hold in it: a seed draws it, or a schedule repeats it.

When the faults are used up, all that remains is done, and the invariants are checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from alto_streams.coordinator import REMEMBER_MS
from alto_streams.testing.assignment import Violation
from alto_streams.testing.cluster import HORIZON_MS, Cluster
from alto_streams.testing.leftovers import Leftovers
from alto_streams.testing.result import Result, result_of
from alto_streams.testing.schedule import Event, Schedule
from alto_streams.testing.simulated import Simulated
from alto_streams.testing.walk import Walk

Outcomes = Mapping[str, Any]


class History:
    """One history of a case: random where no schedule is given. `events` is what was chosen in it."""

    def __init__(self, case: Simulated, seed: int, schedule: Schedule | None = None, trace: int | None = 50) -> None:
        if schedule is not None:
            case = replace(case, questions={name: case.questions[name] for name in schedule.questions})
        random = Random(seed)
        self.case, self.schedule = case, schedule
        self.cluster = Cluster(case, random, trace)
        self.walk = Walk(self.cluster, case.faults, random)
        self.events: list[Event | None] = []
        self.checking = False  # whether what was raised came from the case's own check

    def run(self, expected: Outcomes | None = None) -> Result:
        """Plays it and checks all that must hold. Raises whatever does not."""
        try:
            self.play()
            cluster = self.cluster
            result = result_of(self.case.pipeline, cluster.memory, cluster.steps, cluster.happened)
            self.check_ended()
            if expected is not None:
                check_same(result.outcomes, expected)
            if self.case.check is not None:
                self.checking = True
                self.case.check(result)
                self.checking = False
            self.check_at_rest()
            self.check_nothing_left()
            return result
        finally:
            self.cluster.close()

    def play(self) -> None:
        """Until nothing is left to do but to let deadlines pass."""
        if self.schedule is None:
            self._draw()
        else:
            self._follow(self.schedule)

    def _draw(self) -> None:
        walk, faults = self.walk, self.case.faults
        left, every, ticks, random = faults.budget, faults.every, faults.tick_ms, walk.random.random
        while True:
            if left and random() * every < 1 and (fault := walk.fault()) is not None:
                left -= self._happens(fault)
            if ticks:
                self._happens(walk.tick())
            if (step := walk.step()) is not None:
                self._happens(step)
            elif not self._deadlines_pass():
                return
            if (commit := walk.commit()) is not None:
                self._happens(commit)

    def _happens(self, event: Event) -> bool:
        self.events.append(event)  # first, since it may raise
        return self.cluster.apply(event)

    def _follow(self, schedule: Schedule) -> None:
        for event in schedule.events:
            if event is not None:
                self._happens(event)
            else:
                self.events.append(None)
                self._default()
        self._drain()
        while self._deadlines_pass():
            self._drain()

    def _default(self) -> bool:
        """One step in the default order; False when all is done."""
        event, cluster = self.cluster.first(), self.cluster
        if event is None:
            return False
        cluster.chosen = False
        cluster.apply(event)
        cluster.chosen = True
        return True

    def _drain(self) -> None:
        while self._default():
            pass

    def _deadlines_pass(self) -> bool:
        """Where the clock runs, nothing else to do means waiting for the deadlines; once that is over, False."""
        cluster = self.cluster
        if not self.case.faults.tick_ms or len(cluster.memory.ended) == len(cluster.questions):
            return False
        self._happens(Event("", "deadline"))
        return any(cluster.actions(worker) for worker in cluster.workers)

    # what must hold

    def check_ended(self) -> None:
        cluster = self.cluster
        missing = [question for question, _ in cluster.questions if question not in cluster.memory.ended]
        if missing:
            waiting = [(w.name, work) for w in cluster.workers if (work := w.open_work())]
            raise Violation(f"Questions {missing} have not ended. Still open: {waiting}")

    def check_at_rest(self) -> None:
        """All is acknowledged and committed but for what nobody can complete. Not where the clock runs: a deadline that
        cuts a question off at one stage leaves its records in part at the next, until that one looks at its clock.
        """
        if not self.case.faults.tick_ms:
            leftovers = Leftovers(self.cluster.memory)
            for worker in self.cluster.workers:
                leftovers.check(worker)

    def check_nothing_left(self) -> None:
        """Beyond every deadline, all is acknowledged and committed, and nothing is remembered."""
        cluster = self.cluster
        cluster.now += cluster.deadline_ms + HORIZON_MS + REMEMBER_MS + 1
        outcomes = len(cluster.memory.ended)
        cluster.expire()
        self._drain()
        if len(cluster.memory.ended) != outcomes:
            raise Violation("A question ended after its end.")
        for worker in cluster.workers:
            if work := worker.open_work():
                raise Violation(f"Instance {worker.name} still holds {work}.")
            for number, one in worker.assigned.items():
                worker.commit(number)
                if one.partition.committed != len(one.partition.log):
                    raise Violation(
                        f"Partition {number} of '{worker.stage.name}' is committed to {one.partition.committed} "
                        f"of {len(one.partition.log)}."
                    )


def check_same(outcomes: Outcomes, expected: Outcomes) -> None:
    """Raises Violation where equal words gave other outcomes."""
    for question, outcome in expected.items():
        if outcomes[question] != outcome:
            raise Violation(
                f"Question '{question}' has another outcome than in the undisturbed history: "
                f"{outcomes[question]!r}, not {outcome!r}."
            )
