"""A history in virtual time: what happens next is what is due next, and delays are drawn. Nobody waits.

Sends take time to arrive, engines take the time that their clock says, a silent instance loses its partitions when the
session timeout has passed, deadlines pass when they are due. Functions that wait for no clock take no time at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

from alto_streams.effects import Publish
from alto_streams.engines.protocol import Engine
from alto_streams.plan import COORDINATOR
from alto_streams.testing.activity import Activity, NotScripted
from alto_streams.testing.clock import SimulatedClock
from alto_streams.testing.cluster import ADMITTER, Cluster
from alto_streams.testing.failure import SimulationError
from alto_streams.testing.history import History
from alto_streams.testing.result import Result, Timing
from alto_streams.testing.schedule import Event
from alto_streams.testing.simulated import Case, Simulated
from alto_streams.testing.worker import Worker

Engines = Callable[[SimulatedClock], Engine]


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds. Those that vary are exponential with this mean; of `crash_every_s` and `stall_every_s`, 0 is never."""

    send_s: float = 0.001  # from a send to its arrival, one after the other to each destination: the raw hop's median
    commit_s: float = 0.5  # between two commits of an instance
    look_s: float = 1.0  # between two looks at the deadlines
    session_timeout_s: float = 6.0  # silence after which an instance's partitions go to others
    notice_s: float = 3.0  # until an instance that has lost a partition hears of it: a heartbeat's interval
    crash_every_s: float = 0.0  # of one instance; another takes its place at the session timeout
    stall_every_s: float = 0.0  # of one instance: it stands still, then goes on
    stall_s: float = 4.0


def simulate_timed(
    case: Case | Simulated,
    seed: int,
    *,
    engine: Engines | None = None,
    instances: Mapping[str, int] | None = None,
    rate: float | None = None,
    delays: Delays = Delays(),
    streaming: bool = True,
) -> Result:
    """One history in virtual time; the result's `timings` say when each question was asked, first answered and ended.

    `engine` makes the engine of each instance whose stage uses a pool, as `lambda clock: EmulatedEngine(clock=clock)`
    does; without, all share the case's own. `instances` of stages are one each unless told otherwise. Questions come at
    `rate` a second (Poisson), or all at once. Without `streaming` a stage sends what it wrote when it has written all
    of it. Faults come from the delays alone. Raises SimulationError.
    """
    case = case if isinstance(case, Simulated) else case(seed)
    history = TimedHistory(case, seed, engine, instances or {}, rate, delays, streaming)
    try:
        return replace(history.run(), timings=history.timings)
    except NotScripted:
        raise
    except Exception as error:
        raise SimulationError(error, seed, history, None, False) from error


class TimedHistory(History):
    """The events that are due, by time. An event of an instance that is silent waits until it goes on."""

    def __init__(
        self,
        case: Simulated,
        seed: int,
        engine: Engines | None,
        instances: Mapping[str, int],
        rate: float | None,
        delays: Delays,
        streaming: bool,
    ) -> None:
        self.clock, self.delays, self.rate = SimulatedClock(), delays, rate
        self.random = Random(seed)
        self.case, self.schedule, self.checking = case, None, False
        self.cluster = Cluster(self.case, self.random, instances=instances)
        self.events: list[Event | None] = []
        self.timings: dict[str, Timing] = {}
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._planned: set[Activity | Event] = set()
        self._silent: set[str] = set()
        self._over = False  # every question has ended: nothing goes wrong any more
        for worker in self.cluster.workers:
            worker.streaming = streaming
            if engine is not None and worker.stage.pool:
                worker.pool = engine(self.clock)

    def play(self) -> None:
        """Until every question has ended, and what is still under way has come to rest."""
        self._begin()
        questions = self.cluster.questions
        while len(self.cluster.memory.ended) < len(questions):
            self._plan()
            if self._at_rest:
                self._wait_for_deadlines()
            self._next()
        self._over = True
        while self._silent or self._planned:
            self._next()
            self._plan()

    @property
    def _at_rest(self) -> bool:
        return not self._planned and not self._silent and len(self.cluster.admissions) == len(self.cluster.questions)

    def _wait_for_deadlines(self) -> None:
        """Nothing is under way, though a question has not ended: only its deadline can end it."""
        ended = self.cluster.memory.ended
        asked = [timing.asked for question, timing in self.timings.items() if question not in ended]
        self.clock.time = max(self.clock.time, min(asked) + self.cluster.deadline_ms / 1000)

    def check_at_rest(self) -> None:
        """Not here: a deadline that passes half-way leaves records in part, until the next look at the clock."""

    def _begin(self) -> None:
        moment = 0.0
        for _ in self.cluster.questions:
            self._at(moment, lambda: self._happens(Event(ADMITTER, "admit")))
            moment += self.random.expovariate(self.rate) if self.rate else 0.0
        for worker in self.cluster.workers:
            self._repeat(self.delays.commit_s, worker, "commit")
            self._repeat(self.delays.look_s, worker, "look")
            if worker is not self.cluster.admitter:
                self._later(self.delays.crash_every_s, partial(self._crash, worker))
                self._later(self.delays.stall_every_s, partial(self._stall, worker))

    # time

    def _at(self, moment: float, what: Callable[[], Any]) -> None:
        heappush(self._due, (moment, next(self._numbers), what))

    def _in(self, seconds: float, what: Callable[[], Any]) -> None:
        self._at(self.clock.time + seconds, what)

    def _later(self, mean_s: float, what: Callable[[], Any]) -> None:
        if mean_s:
            self._in(self.random.expovariate(1 / mean_s), what)

    def _repeat(self, every_s: float, worker: Worker, action: str) -> None:
        def again() -> None:
            if worker.name not in self._silent:
                self._happens(Event(worker.name, action))
            self._in(every_s, again)

        self._in(self.random.uniform(0, every_s), again)

    def _next(self) -> None:
        moment, _, what = heappop(self._due)
        self.clock.time = max(self.clock.time, moment)
        self.cluster.now = int(self.clock.time * 1000)
        what()

    def _happens(self, event: Event) -> bool:
        happened = super()._happens(event)
        self.events.clear()  # nobody repeats them: the seed does
        if happened and event.action in ("flush", "admit"):
            self._time(event.action, self.cluster.trace[-1].detail)
        return happened

    def _time(self, action: str, detail: Any) -> None:
        now = self.clock.time
        if action == "admit":
            self.timings[detail] = Timing(now)
            return
        effect = detail[1]
        if isinstance(effect, Publish) and effect.question in self.timings:
            timing = self.timings[effect.question]
            if effect.type == "outcome":
                timing = replace(timing, ended=now)
            else:
                if timing.first is None:
                    timing = replace(timing, first=now)
                if timing.first_output is None and effect.channel == "output":
                    timing = replace(timing, first_output=now)
            self.timings[effect.question] = timing

    # what instances do

    def _plan(self) -> None:
        """Everything that an instance could do now is due some time later, once each."""
        for worker in self.cluster.workers:
            if worker.idle or worker.name in self._silent:
                continue
            for activity, _ in worker.running:
                if activity not in self._planned and not activity.starved:
                    self._plan_one(worker, activity, max(self.clock.time, activity.until))
            for kind, argument in self.cluster.actions(worker):
                event = Event(worker.name, kind, argument)
                if kind not in ("advance", "admit") and event not in self._planned:
                    self._plan_one(worker, event, self.clock.time + self._delay(kind))
            worker.idle = True  # until something concerns it

    def _delay(self, kind: str) -> float:
        if kind == "flush":
            return self.random.expovariate(1 / self.delays.send_s)
        return self.random.uniform(0, self.delays.notice_s) if kind == "notice" else 0.0

    def _plan_one(self, worker: Worker, what: Activity | Event, moment: float) -> None:
        self._planned.add(what)
        self._at(moment, lambda: self._due_now(worker, what))

    def _due_now(self, worker: Worker, what: Activity | Event) -> None:
        self._planned.discard(what)
        if worker.name in self._silent:
            return
        if isinstance(what, Event):
            self._happens(what)
        else:
            self.cluster.go_on(worker, what)
        worker.idle = False

    # what goes wrong

    def _crash(self, worker: Worker) -> None:
        """It dies. Its partitions go to others, and a fresh instance takes its place, at the session timeout."""
        self._later(self.delays.crash_every_s, partial(self._crash, worker))
        if worker.name not in self._silent and not self._over:
            self._silent.add(worker.name)
            self._in(self.delays.session_timeout_s, lambda: self._replace(worker))

    def _replace(self, worker: Worker) -> None:
        owned = [number for number, one in worker.assigned.items() if not one.lost]
        self._silent.discard(worker.name)
        self._happens(Event(worker.name, "crash", (False, {number: self._other(worker) for number in owned})))

    def _stall(self, worker: Worker) -> None:
        """It stands still for a while. If that is longer than the session timeout, its partitions go to others, and it
        goes on with what it holds until it hears of that. A coordinator is fenced instead: it counts as crashed.
        """
        self._later(self.delays.stall_every_s, partial(self._stall, worker))
        length = self.random.expovariate(1 / self.delays.stall_s)
        if worker.name in self._silent or self._over:
            return
        self._silent.add(worker.name)
        if length <= self.delays.session_timeout_s:
            self._in(length, lambda: self._go_on(worker))
        elif worker.stage.name == COORDINATOR or len(self.cluster.stages[worker.stage.name]) == 1:
            self._in(self.delays.session_timeout_s, lambda: self._replace(worker))
        else:
            self._in(self.delays.session_timeout_s, lambda: self._give_to_others(worker))
            self._in(length, lambda: self._go_on(worker))

    def _give_to_others(self, worker: Worker) -> None:
        for number in [number for number, one in worker.assigned.items() if not one.lost]:
            self._happens(Event(worker.name, "stall", (number, self._other(worker))))

    def _go_on(self, worker: Worker) -> None:
        self._silent.discard(worker.name)
        worker.idle = False

    def _other(self, worker: Worker) -> str:
        everyone = self.cluster.stages[worker.stage.name]
        return self.random.choice([one for one in everyone if one is not worker] or everyone).name
