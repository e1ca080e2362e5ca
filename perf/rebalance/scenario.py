"""One round of one protocol: a second worker joins, leaves, joins again, partitions are added, and it is killed."""

from __future__ import annotations

import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka.cimpl import NewPartitions

from perf.rebalance import gaps
from perf.rebalance.crew import LOOK_EVERY_S, STEP_LIMIT_S, Crew, Worker, crew
from perf.rebalance.load import SteadyLoad, steady_load
from topics.admin import connect, settled
from topics.definitions import TopicDefinition
from topics.provision import provision

PARTITIONS, ADDED = 6, 2
RATE = 300.0
LAST_RECORD_LIMIT_S = 10.0  # a record that was not processed so long after the last was sent is lost
FLOWING_S = 0.5  # a partition without a record for so long does not flow

Figures = dict[str, float]
Tell = Callable[[str], None]
STEPS = ("join", "leave", "added partitions", "failover")


class Scenario:
    """Runs the steps in order; each begins when the group has been at rest for `rest_s` seconds."""

    def __init__(self, group: Crew, load: SteadyLoad, brokers: str, topic: str, rest_s: float) -> None:
        self._crew, self._load, self._brokers, self._topic, self._rest_s = group, load, brokers, topic, rest_s
        self._first = group.start()
        records, now = self._rest(PARTITIONS), time.monotonic()
        self.figures: Figures = {"rest_gap_s": gaps.change(records, now - rest_s, now).kept_gap_s}

    def join(self) -> None:
        second, joined_at = self._join()
        records = self._rest(PARTITIONS)
        begun = gaps.first_times(records, joined_at, second.number)
        self.figures["join_first_s"] = min(begun.values()) - joined_at
        self._note("join", records, joined_at)

    def leave(self) -> None:
        second = self._crew.present[-1]
        self._crew.dismiss(second)
        left_at = time.monotonic()
        second.process.terminate()
        self._note("leave", self._rest(PARTITIONS), left_at)
        self._crew.wait(lambda: second.process.poll() is not None, "the worker that was told to stop has ended")

    def added_partitions(self) -> None:
        if len(self._crew.present) == 1:
            self._join()
            self._rest(PARTITIONS)
        admin, wanted = connect(self._brokers), PARTITIONS + ADDED  # admin is named: its futures die with it
        added_at = time.monotonic()
        for future in admin.create_partitions([NewPartitions(self._topic, wanted)]).values():
            settled(future, f"add partitions to {self._topic}")
        self._load.partitions = wanted
        records = self._rest(wanted)
        begun = gaps.first_times(records, added_at)
        new = [begun[partition] - added_at for partition in range(PARTITIONS, wanted)]
        self.figures |= {"added_first_s": min(new), "added_all_s": max(new)}
        self._note("added", records, added_at)

    def failover(self) -> None:
        second = self._crew.present[-1]
        self._crew.dismiss(second)
        records = self._crew.records()
        orphans = [partition for partition, owner in gaps.owners(records).items() if owner == second.number]
        killed_at = time.monotonic()
        second.kill()
        records = self._rest(self._load.partitions)
        begun = gaps.first_times(records, killed_at, self._first.number)
        self.figures["failover_s"] = max(begun[partition] for partition in orphans) - killed_at
        self._note("failover", records, killed_at)

    def finish(self) -> None:
        """Stops the load, waits for its last record, and counts."""
        stored = self._load.stop()
        until = time.monotonic() + LAST_RECORD_LIMIT_S
        while gaps.lost(self._crew.records(), stored) and time.monotonic() < until:
            time.sleep(LOOK_EVERY_S)
        records = self._crew.records()
        self.figures |= {"lost": gaps.lost(records, stored), "not_fenced": gaps.not_fenced(records)}

    def _join(self) -> tuple[Worker, float]:
        worker = self._crew.start()
        self._crew.wait(lambda: worker.joined(), "the worker joins")
        assert worker.joined_at is not None
        return worker, worker.joined_at

    def _note(self, step: str, records: Sequence[gaps.Processed], begin: float) -> None:
        change = gaps.change(records, begin, time.monotonic())
        names = ("moved", "kept") if step in ("join", "leave") else ("kept",)
        self.figures |= {f"{step}_gap_{name}_s": getattr(change, f"{name}_gap_s") for name in names}
        self.figures |= {f"{step}_wait_s": change.wait_s, f"{step}_moved": change.moved}
        self.figures[f"{step}_repeated"] = change.repeated

    def _rest(self, partitions: int) -> list[gaps.Processed]:
        """Waits until every partition has flowed to the same worker for a while, with equal shares for all."""
        seen: dict[int, int] = {}
        since = time.monotonic()

        def rests() -> bool:
            nonlocal seen, since
            now = time.monotonic()
            owners = gaps.owners(self._crew.records(now - FLOWING_S))
            shares = Counter(owners.values())
            whole = len(owners) == partitions and shares.keys() == {worker.number for worker in self._crew.present}
            if not whole or max(shares.values()) - min(shares.values()) > 1 or owners != seen:
                seen, since = owners if whole else {}, now
            return bool(seen) and now - since >= self._rest_s

        self._crew.wait(rests, f"all {partitions} partitions flow, evenly over {len(self._crew.present)} workers")
        return self._crew.records()


def run(protocol: str, brokers: str, rest_s: float, tell: Tell) -> Figures:
    """Every figure of one round. Raises RebalanceError where the group does not come to rest within STEP_LIMIT_S."""
    with (
        fresh_topic(brokers) as topic,
        tempfile.TemporaryDirectory() as folder,
        crew(protocol, brokers, topic, Path(folder)) as group,
        steady_load(brokers, topic, PARTITIONS, RATE) as load,
    ):
        scenario = Scenario(group, load, brokers, topic, rest_s)
        steps = (scenario.join, scenario.leave, scenario.added_partitions, scenario.failover)
        for name, step in zip(STEPS, steps, strict=True):
            tell(f"{protocol}: {name}")
            step()
        scenario.finish()
        return scenario.figures


@contextmanager
def fresh_topic(brokers: str) -> Iterator[str]:
    """A new topic, deleted at the end. Raises BrokerError."""
    topic = f"rebalance-{uuid.uuid4().hex[:8]}"
    provision(brokers, [TopicDefinition(topic, PARTITIONS)], STEP_LIMIT_S)
    try:
        yield topic
    finally:
        admin = connect(brokers)
        for future in admin.delete_topics([topic]).values():
            settled(future, f"delete topic {topic}")
