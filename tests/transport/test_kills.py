"""Workers die by SIGKILL with acknowledgements out of order: nothing is lost, and nothing done comes again."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ops.kafka.embedded import EmbeddedKafka
from tests.transport.crew import Worker, crew, wait_until
from tests.transport.load import Committed, fill, stored

RECORDS, KILLS, PARTITIONS = 10_000, 10, 4
LIMIT_S = 15.0  # a failover that took Faust's default session timeout would take 60


@pytest.mark.timeout(240)
def test_ten_kills_in_ten_thousand_records(
    kafka: EmbeddedKafka, member_url: str, fresh: Callable[[int], str], tmp_path: Path
) -> None:
    seed = random.randrange(2**32)
    chosen = random.Random(seed)
    topic = fresh(PARTITIONS)
    fill(kafka.bootstrap, topic, PARTITIONS, RECORDS)
    options = {"order": "random", "slow": 0.001, "hold": 0.1, "session": 2}
    with crew(member_url, topic, topic, tmp_path) as workers:
        worker, killed_at, committed = workers.start(**options, seed=seed), None, set[tuple[int, int]]()
        beyond = 0
        for kill in range(KILLS + 1):
            if kill < KILLS:
                enough = chosen.randint(500, 900)
                wait_until(partial(did, worker, enough), f"{enough} records", [worker], 60)
            else:
                workers.wait_finished(stored(kafka.bootstrap, topic, PARTITIONS))
            again = {(deed.partition, deed.offset) for deed in worker.deeds("P")} & committed
            assert not again, f"seed {seed}, after kill {kill}: {len(again)} came again: {sorted(again)[:10]}"
            if killed_at is not None:
                print(f"kill {kill}: {worker.deeds('P')[0].at - killed_at:.1f} s to the next record")
            if kill < KILLS:
                killed_at = worker.kill()
                found = Committed(kafka.bootstrap, topic, topic)
                committed = found.done()
                beyond += len(committed) - sum(found.offsets.values())
                print(f"seed {seed}, kill {kill + 1}: committed {found.offsets}, so far {beyond} in the metadata")
                worker = workers.start(**options, seed=seed + kill)
        assert beyond, f"seed {seed}: nothing was ever done beyond the watermark"
        assert_attempts_grow(workers.workers)
        processed = len(workers.deeds("P"))
        print(f"seed {seed}: {processed} records processed for {RECORDS}")


def did(worker: Worker, records: int) -> bool:
    return len(worker.deeds("A")) >= records


def assert_attempts_grow(workers: list[Worker]) -> None:
    highest: defaultdict[int, int] = defaultdict(lambda: -1)
    for worker in workers:
        seen: defaultdict[int, set[int]] = defaultdict(set)
        for deed in worker.deeds("P"):
            seen[deed.partition].add(deed.attempt)
        for partition, attempts in seen.items():
            assert min(attempts) > highest[partition], f"partition {partition} went on as attempt {attempts}"
            highest[partition] = max(attempts)


def test_failover_is_as_fast_as_the_session_timeout(
    kafka: EmbeddedKafka, member_url: str, fresh: Callable[[int], str], tmp_path: Path
) -> None:
    topic = fresh(4)
    with crew(member_url, topic, topic, tmp_path) as workers:
        pair = [workers.start(), workers.start()]
        fill(kafka.bootstrap, topic, 4, 40)

        def shared() -> bool:
            fill(kafka.bootstrap, topic, 4, 4)
            latest = {deed.partition: w.number for w in pair for deed in w.deeds("P")[-8:]}
            return all(worker.deeds("P") for worker in pair) and len(latest) == 4

        wait_until(shared, "both workers have partitions", pair)
        mine = {deed.partition for deed in pair[1].deeds("P")[-2:]}
        killed_at = pair[1].kill()
        fill(kafka.bootstrap, topic, 4, 4)

        def taken_over() -> set[int]:
            return {deed.partition for deed in pair[0].deeds("P") if deed.at > killed_at}

        wait_until(lambda: mine <= taken_over(), "the dead worker's partitions go on", pair[:1], LIMIT_S)
        first = min(deed.at for deed in pair[0].deeds("P") if deed.at > killed_at and deed.partition in mine)
        print(f"failover: {first - killed_at:.1f} s")


def test_what_is_never_acknowledged_comes_again_and_nothing_else(
    kafka: EmbeddedKafka, member_url: str, fresh: Callable[[int], str], tmp_path: Path
) -> None:
    topic = fresh(1)
    fill(kafka.bootstrap, topic, 1, 12)
    with crew(member_url, topic, topic, tmp_path) as workers:
        worker = workers.start(never="4,9", order="late", hold=0.1)
        finished = {(0, offset) for offset in range(12) if offset not in (4, 9)}
        workers.wait_finished(finished)
        wait_until(lambda: finished <= Committed(kafka.bootstrap, topic, topic).done(), "all is committed", [worker], 5)
        print(f"committed {Committed(kafka.bootstrap, topic, topic).offsets}")
        worker.kill()
        successor = workers.start()
        fill(kafka.bootstrap, topic, 1, 1)  # the last one to come
        wait_until(lambda: any(d.offset == 12 for d in successor.deeds("P")), "the last record", [successor], LIMIT_S)
        assert [deed.offset for deed in successor.deeds("P")] == [4, 9, 12]
