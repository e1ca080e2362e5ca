"""What a change did to the flow of records: pure arithmetic on what the workers wrote down."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple


class Processed(NamedTuple):
    """A record as one worker processed it. `sent` and `at` are seconds of one clock."""

    partition: int
    offset: int
    attempt: int
    sent: float
    at: float
    worker: int


class Change(NamedTuple):
    """What a change of the group did; in seconds, 0 where there was no such partition, or in numbers.

    `moved_gap_s`, `kept_gap_s`: the longest time without a processed record of any one partition that changed its
    worker, or did not. `wait_s`: the longest that any record waited from its sending to its first processing. `moved`:
    how many partitions changed their worker. `repeated`: how often a record was processed again.
    """

    moved_gap_s: float
    kept_gap_s: float
    wait_s: float
    moved: int
    repeated: int


def owners(records: Iterable[Processed]) -> dict[int, int]:
    """Partition -> the worker of its last record; `records` are in order of time."""
    return {record.partition: record.worker for record in records}


def change(records: Sequence[Processed], begin: float, end: float) -> Change:
    """What happened to the partitions that had a worker at `begin`. `records` are in order of time.

    >>> a, b = [Processed(0, i, 1, t, t, 1) for i, t in enumerate([1, 2, 3])], [Processed(0, 3, 2, 4, 6, 2)]
    >>> change(a + b, begin=2.5, end=9)
    Change(moved_gap_s=3, kept_gap_s=0.0, wait_s=2, moved=1, repeated=0)
    """
    before = owners(record for record in records if record.at <= begin)
    within = [record for record in records if begin < record.at <= end]
    moved = {r.partition for r in within if r.partition in before and before[r.partition] != r.worker}
    gaps = _longest_gaps(records, begin, end)
    waits = _first_waits(within, records, begin)
    return Change(
        max((gap for partition, gap in gaps.items() if partition in moved), default=0.0),
        max((gap for partition, gap in gaps.items() if partition in before and partition not in moved), default=0.0),
        max(waits, default=0.0),
        len(moved),
        len(within) - len(waits),
    )


def _longest_gaps(records: Sequence[Processed], begin: float, end: float) -> dict[int, float]:
    times: defaultdict[int, list[float]] = defaultdict(list)
    for record in records:
        times[record.partition].append(record.at)
    return {
        partition: max((b - a for a, b in pairwise(at) if a < end and b > begin), default=0.0)
        for partition, at in times.items()
    }


def _first_waits(within: Sequence[Processed], records: Sequence[Processed], begin: float) -> list[float]:
    seen = {(record.partition, record.offset) for record in records if record.at <= begin}
    waits = []
    for record in within:
        key = record.partition, record.offset
        if key not in seen:
            seen.add(key)
            waits.append(record.at - record.sent)
    return waits


def first_times(records: Iterable[Processed], begin: float, worker: int | None = None) -> dict[int, float]:
    """Partition -> when its first record after `begin` was processed, by `worker` or by any."""
    first: dict[int, float] = {}
    for record in records:
        if record.at > begin and (worker is None or record.worker == worker):
            first.setdefault(record.partition, record.at)
    return first


def lost(records: Iterable[Processed], stored: Mapping[int, int]) -> int:
    """How many of the records that the broker has (partition -> how many) nobody has processed."""
    return sum(stored.values()) - len({(record.partition, record.offset) for record in records})


def not_fenced(records: Iterable[Processed]) -> int:
    """Records whose attempt does not tell them from another worker's: lower than one seen before, or the same.

    >>> not_fenced([Processed(0, 0, 1, 0, 0, worker=1), Processed(0, 1, 2, 0, 1, worker=2)])
    0
    >>> not_fenced([Processed(0, 0, 1, 0, 0, worker=1), Processed(0, 1, 1, 0, 1, worker=2)])
    1
    """
    highest: dict[int, tuple[int, int]] = {}
    found = 0
    for record in records:
        attempt, worker = highest.get(record.partition, (record.attempt, record.worker))
        if record.attempt < attempt or (record.attempt == attempt and record.worker != worker):
            found += 1
        else:
            highest[record.partition] = record.attempt, record.worker
    return found
