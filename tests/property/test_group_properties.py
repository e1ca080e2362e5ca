"""Groups of a stateful stage: later versions win, late copies are dropped, and all is forgotten after the deadline."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alto_streams.ancestry import FIRST, Ancestry, Attempt
from alto_streams.effects import Delivery
from alto_streams.groups import GroupTable
from alto_streams.operators import Collect
from alto_streams.plan import Port
from alto_streams.record import Kind, Record

PORTS = (Port("claims", bytes, ("claim",)), Port("queries", bytes, ("claim", "query"), 1, Collect()))


def records(question: str, claim: int, attempts: list[Attempt], deadline: int, random: Random) -> list[Record]:
    """All that comes for one claim in each of its versions: the claim, its queries and their count, or a last query."""
    found: list[Record] = []
    for attempt in attempts:
        item = Ancestry(question).child(claim, attempt)
        text = f"{attempt.generation}".encode()
        found.append(Record(Kind.ITEM, 0, item, 1, deadline, text))
        count, rides = random.randint(0, 3), random.random() < 0.5
        for index in range(count):
            kind = Kind.LAST if rides and index == count - 1 else Kind.ITEM
            found.append(Record(kind, 1, item.child(index, FIRST), 1, deadline, text))
        if not (count and rides):
            found.append(Record(Kind.COUNT, 1, item, 1, deadline, count=count, attempt=FIRST))
    return found


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_groups_close_whole_and_leave_nothing_behind(seed: int) -> None:
    random = Random(seed)
    last = {claim: random.randint(1, 3) for claim in range(random.randint(1, 4))}
    sent = [
        record
        for claim, versions in last.items()
        for record in records("q", claim, [Attempt(n + 1, 0) for n in range(versions)], 100 + claim, random)
    ]
    sent += random.choices(sent, k=len(sent) // 2)
    random.shuffle(sent)
    table, closed, acknowledged = GroupTable(PORTS, 1), dict[int, int](), list[Delivery]()
    for offset, record in enumerate(sent):
        group = table.receive(record, record.value, Delivery(0, offset), acknowledged)
        if group is None:
            continue
        claim, version = record.ancestry.path[0].position, record.ancestry.path[0].attempt.generation
        item, queries = group.inputs()
        assert {item, *queries} == {str(version).encode()}, "all inputs come from one version"
        assert version > closed.get(claim, 0), "a group closes once in each version, and later versions only"
        closed[claim] = version
        acknowledged += group.deliveries()
    assert closed == last, "the last version of every group has closed"
    assert len(set(acknowledged)) == len(acknowledged), "nothing is acknowledged twice"
    held = [d for _, group in table.expired(99) for d in group.deliveries()]
    assert held == []
    assert len(table.closed) == len(last)
    held = [d for _, group in table.expired(200) for d in group.deliveries()]
    assert {*held, *acknowledged} == {Delivery(0, offset) for offset in range(len(sent))}
    assert (table.groups, table.closed, len(table._ends)) == ({}, {}, 0)


@given(st.lists(st.integers(0, 1000), max_size=50))
def test_what_ends_is_forgotten_after_its_deadline_whatever_the_order(deadlines: list[int]) -> None:
    table = GroupTable(PORTS, 1, remember_ms=10)
    for number, deadline in enumerate(deadlines):
        table.close((number,), (FIRST,), deadline)
    for now in range(0, 1020, 60):
        assert list(table.expired(now)) == []
        kept = {key[0] for key in table.closed}
        assert kept >= {number for number, deadline in enumerate(deadlines) if deadline + 10 >= now}
        assert kept == {number for number, deadline in enumerate(deadlines) if deadline + 10 >= now}


@pytest.mark.parametrize("depth", [0, 1])
def test_a_record_above_the_level_of_its_port_is_refused(depth: int) -> None:
    item = Ancestry("q").child(0, FIRST).cut(depth)
    with pytest.raises(IndexError):
        GroupTable(PORTS, 1).receive(Record(Kind.ITEM, 1, item, 1, 100), b"", Delivery(0, 0), [])
