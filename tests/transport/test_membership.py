"""Partitions are added and workers come and go under load: nothing is lost, and what need not move goes on."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.kafka.embedded import EmbeddedKafka
from tests.transport.crew import Crew, Worker, crew, wait_until
from tests.transport.load import create, fill, members, steady_load, stored

LONG = bool(os.environ.get("ALTO_LONG"))
STOP_LIMIT_S = 1.0 if os.environ.get("ALTO_STRICT") else 3.0  # the machine that runs the suite may be busy
STAY_S, SESSION_S = 3.0, 6.0
UNBROKEN_S = 30.0  # a session that a busy machine's pauses do not end: that takes partitions that need not move
CHANGES = 20 if LONG else 4


def test_partitions_added_under_load_are_consumed(
    kafka: EmbeddedKafka, member_url: str, fresh: Callable[[int], str], tmp_path: Path
) -> None:
    topic = fresh(2)
    with crew(member_url, topic, topic, tmp_path) as workers, steady_load(kafka.bootstrap, topic, 2, 300) as load:
        worker = workers.start()
        worker.wait_assigned()
        create(kafka.bootstrap, topic, 6)
        added_at, load.partitions = time.monotonic(), 6
        wait_until(lambda: len(began(worker)) == 6, "every partition is consumed", [worker], 10)
        print(f"added partitions began after {max(began(worker).values()) - added_at:.1f} s")
        load.finish()
        workers.wait_finished(stored(kafka.bootstrap, topic, 6))


def began(worker: Worker) -> dict[int, float]:
    """Partition -> when its first record was processed."""
    return {deed.partition: deed.at for deed in reversed(worker.deeds("P"))}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("leave", ["in order", "killed"])
def test_two_workers_join_and_leave_beside_one_that_stays(
    leave: str, kafka: EmbeddedKafka, member_url: str, fresh: Callable[[int], str], tmp_path: Path
) -> None:
    """A guest that was killed stays a member until its session ends: nobody may wait for it at the next change."""
    topic = fresh(6)
    with crew(member_url, topic, topic, tmp_path) as workers, steady_load(kafka.bootstrap, topic, 6, 300) as load:
        stays = workers.start(session=SESSION_S)
        stays.wait_assigned()
        guests: list[Worker] = []
        begin = time.monotonic()
        for _ in range(CHANGES):
            if len(guests) < 2:
                guests.append(workers.start(session=SESSION_S))
            elif leave == "killed":
                guests.pop(0).kill()
            else:
                guests.pop(0).stop()
            time.sleep(STAY_S)
        end = time.monotonic()
        load.finish()
        for guest in guests:
            guest.stop()
        everything = stored(kafka.bootstrap, topic, 6)
        assert len(everything) == load.sent
        workers.wait_finished(everything)
        assert any(worker.deeds("P") for worker in workers.workers[1:]), "no guest ever got a partition"
        processed = len(workers.deeds("P"))
        longest, partition, after = longest_stop(workers, begin, end)
        print(
            f"{load.sent} records, processed {processed}; {CHANGES} changes; longest stop of a partition that did "
            f"not move: {longest:.2f} s (partition {partition}, {after:.1f} s after the start)"
        )
        assert longest < STOP_LIMIT_S


def longest_stop(workers: Crew, begin: float, end: float) -> tuple[float, int, float]:
    """The longest time between two records of one partition, with one worker from which it was not taken meanwhile.

    Returns seconds, the partition, and when that was (seconds after `begin`).
    """
    deeds = sorted(
        (
            (deed.at, deed.partition, deed.kind, worker.number)
            for worker in workers.workers
            for deed in worker.deeds("P", "S", "V")
        ),
    )
    last: dict[int, tuple[float, int]] = {}
    stops = [(0.0, -1, 0.0)]
    for at, partition, kind, worker in deeds:
        before, owner = last.get(partition, (at, worker))
        if kind == "P":
            if owner == worker and begin <= before <= end:
                stops.append((at - before, partition, before - begin))
            last[partition] = at, worker
        elif kind == "V" or owner != worker:
            last[partition] = at, -1  # it moved: what comes next is no stop
    return max(stops)


def test_records_wait_for_the_handler_of_their_partition_and_for_no_other(
    kafka: EmbeddedKafka, member_url: str, fresh: Callable[[int], str], tmp_path: Path
) -> None:
    settle = 2.0
    topic = fresh(4)
    with crew(member_url, topic, topic, tmp_path) as workers, steady_load(kafka.bootstrap, topic, 4, 200) as load:
        first = workers.start(settle=settle, session=UNBROKEN_S)
        first.wait_assigned()
        second = workers.start(settle=settle, session=UNBROKEN_S)
        second.wait_assigned()
        second.stop()
        gained_after = time.monotonic()
        gained = {deed.partition for deed in second.deeds("S")}
        kept = set(range(4)) - gained
        assert gained
        assert kept, "the second worker got every partition"
        wait_until(
            lambda: gained <= {d.partition for d in first.deeds("S") if d.at > gained_after}, "they are back", [first]
        )
        load.finish()
        workers.wait_finished(stored(kafka.bootstrap, topic, 4))
        for worker in (first, second):
            assert_assigned_before_processed(worker)
        moves = [deed for deed in first.deeds("S", "V") if deed.partition in kept]
        assert [deed.kind for deed in moves] == ["S"] * len(kept), "partitions that did not move were signalled"
        taken_back = min(d.at for d in first.deeds("S") if d.partition in gained and d.at > gained_after)
        meanwhile = {d.partition for d in first.deeds("P") if taken_back - settle < d.at < taken_back}
        assert meanwhile == kept, "partitions waited for the handler of others"


def test_nothing_comes_of_a_partition_while_it_is_given_up(
    kafka: EmbeddedKafka, member_url: str, fresh: Callable[[int], str], tmp_path: Path
) -> None:
    """Its records wait in the worker, but whoever was told of the revocation has dropped what he knew of it."""
    topic = fresh(4)
    fill(kafka.bootstrap, topic, 4, 800)
    with crew(member_url, topic, topic, tmp_path) as workers:
        first = workers.start(slow=0.01, linger=0.5)
        wait_until(lambda: len(first.deeds("P")) > 50, "the first worker is busy", [first])
        second = workers.start(slow=0.01)
        workers.wait_finished(stored(kafka.bootstrap, topic, 4))
        assert second.deeds("P")
        assert_assigned_before_processed(first)


def assert_assigned_before_processed(worker: Worker) -> None:
    mine: set[int] = set()
    for deed in worker.deeds("S", "V", "P"):
        if deed.kind == "S":
            mine.add(deed.partition)
        elif deed.kind == "V":
            mine.discard(deed.partition)
        else:
            assert deed.partition in mine, f"partition {deed.partition} was delivered outside of its handlers"


def test_attempts_belong_to_partitions(
    kafka: EmbeddedKafka, member_url: str, fresh: Callable[[int], str], tmp_path: Path
) -> None:
    """What moved to a guest and back is taken over anew; what stayed keeps its number."""
    topic = fresh(4)
    with crew(member_url, topic, topic, tmp_path) as workers, steady_load(kafka.bootstrap, topic, 4, 100) as load:
        stays = workers.start(session=UNBROKEN_S)
        stays.wait_assigned()
        wait_until(lambda: len(began(stays)) == 4, "the first worker has all", [stays])
        guest = workers.start(session=UNBROKEN_S)
        wait_until(lambda: bool(guest.deeds("P")), "the guest works", [stays, guest])
        guest.stop()
        moved, left_at = {deed.partition for deed in guest.deeds("P")}, time.monotonic()
        wait_until(lambda: moved <= {d.partition for d in stays.deeds("P") if d.at > left_at}, "they are back", [stays])
        load.finish()
        workers.wait_finished(stored(kafka.bootstrap, topic, 4))
        attempts: defaultdict[int, list[int]] = defaultdict(list)
        for deed in stays.deeds("P"):
            if deed.attempt not in attempts[deed.partition]:
                attempts[deed.partition].append(deed.attempt)
        for partition in range(4):
            of_guest = {deed.attempt for deed in guest.deeds("P") if deed.partition == partition}
            if partition in moved:
                assert attempts[partition][0] < min(of_guest) <= max(of_guest) < attempts[partition][-1]
            else:
                assert len(attempts[partition]) == 1, f"partition {partition} stayed, but its attempts are {attempts}"


def test_a_worker_without_partitions_is_missed_by_nobody_when_it_stops(
    kafka: EmbeddedKafka, member_url: str, fresh: Callable[[int], str], tmp_path: Path
) -> None:
    """Left as a member, it would hold up the group's next change until its session has timed out."""
    topic = fresh(1)
    with crew(member_url, topic, topic, tmp_path) as workers:
        owner = workers.start(session=UNBROKEN_S)
        owner.wait_assigned()
        spare = workers.start(session=UNBROKEN_S)
        wait_until(lambda: members(kafka.bootstrap, topic) == 2, "the second worker is a member", [owner, spare])
        time.sleep(2)  # until it has heard that there is nothing for it
        spare.stop()
        wait_until(lambda: members(kafka.bootstrap, topic) == 1, "it is a member no longer", [owner], 5)
        assert not spare.deeds("P", "S")
