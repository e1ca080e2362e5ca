"""Partitions take turns on their way to a stream, whatever was fetched first."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

from faust.types import TP

from alto_streams.progress import Progress
from alto_streams.runtime.transport.lane import HELPING, Lane
from alto_streams.runtime.transport.ownership import Ownership, Record


def owner_in(lane: Lane, partition: int, resumed: Progress = Progress(0)) -> Ownership:  # noqa: B008 - frozen
    owner = Ownership(TP("topic", partition), resumed)
    lane.adopt(owner)
    return owner


def record(owner: Ownership, offset: int) -> Record:
    message: Any = SimpleNamespace(
        offset=lambda: offset, timestamp=lambda: (1, 0), headers=lambda: None, key=lambda: b"k", value=lambda: b"value"
    )
    return Record(owner, message)


def test_a_partition_that_was_fetched_first_does_not_keep_the_others_waiting() -> None:
    lane = Lane([])
    first, second, third = (owner_in(lane, number) for number in range(3))
    for owner in (first, second, third):
        for offset in range(100):
            lane.add(record(owner, offset))
    chosen = lane.next()
    assert len(chosen) == HELPING
    shares = Counter(each.partition for each in chosen)
    assert shares.keys() == {0, 1, 2}
    assert max(shares.values()) - min(shares.values()) <= 1
    assert [each.offset for each in chosen if each.partition == 1] == list(range(shares[1]))


def test_all_come_once_and_in_order() -> None:
    lane = Lane([])
    owners = [owner_in(lane, number) for number in range(2)]
    for offset in range(70):
        for owner in owners[: 1 + offset % 2]:
            lane.add(record(owner, offset))
    seen: list[tuple[int, int]] = []
    while lane.turns:
        seen += [(each.partition, each.offset) for each in lane.next()]
    assert [offset for partition, offset in seen if partition == 0] == list(range(70))
    assert [offset for partition, offset in seen if partition == 1] == list(range(1, 70, 2))


def test_what_was_done_before_the_takeover_is_passed_over_and_leaves_the_buffer() -> None:
    lane = Lane([])
    owner = owner_in(lane, 0, Progress(10, 3, (10, 12), 14))
    for offset in range(10, 16):
        owner.handed += 1
        lane.add(record(owner, offset))
    assert [each.offset for each in lane.next()] == [10, 12, 14, 15]
    assert owner.handed - owner.taken == 4
    assert {each.generation_id for each in [record(owner, 16)]} == {3}


def test_a_partition_that_was_given_up_is_dropped() -> None:
    lane = Lane([])
    gone, stays = owner_in(lane, 0), owner_in(lane, 1)
    for owner in (gone, stays):
        lane.add(record(owner, 0))
    gone.live = False
    assert [each.partition for each in lane.next()] == [1]
    assert not lane.turns


def test_a_partition_that_changes_lanes_takes_its_records_along() -> None:
    before, after = Lane([]), Lane([])
    owner = owner_in(before, 0)
    lane_record = record(owner, 0)
    before.add(lane_record)
    after.adopt(owner)
    assert not before.turns
    assert after.next() == [lane_record]
