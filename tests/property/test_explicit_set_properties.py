"""A set ends with the same records in whatever order they come: those that no later attempt has replaced, each once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alto_streams.ancestry import Ancestry, Attempt
from alto_streams.effects import Delivery
from alto_streams.explicit.handles import Message
from alto_streams.explicit.lineage import Lineage, Link, identity, replaces, shared
from alto_streams.explicit.sets import Member, SetTable
from alto_streams.record import Kind, Record

RECORD = Record(Kind.ITEM, 0, Ancestry("q"), 1, 1000)
links = st.builds(
    Link,
    stage=st.sampled_from(["a", "b"]),
    of=st.sampled_from([("x",), ("y",)]),
    attempt=st.builds(Attempt, st.integers(1, 2), st.integers(0, 1)),
    id=st.sampled_from(["0", "1"]),
)
lineages = st.lists(links, max_size=3).map(tuple)


def take(table: SetTable, arrivals: list[Lineage]) -> tuple[set[Lineage], list[Delivery]]:
    """What the set has in the end, and what was let go of."""
    released: list[Delivery] = []
    for offset, lineage in enumerate(arrivals):
        member = Member(Message("queue", "", b""), lineage, Delivery(0, offset))
        table.receive(("q",), RECORD, member, released)
    found = table.groups[("q",)]
    assert sorted(found.held + released) == [Delivery(0, offset) for offset in range(len(arrivals))]
    assert len(found.messages) == len(found.members) == len(found.held)
    return {member.lineage for member in found.members.values()}, released


@given(st.lists(lineages, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_what_is_left_does_not_depend_on_the_order(arrivals: list[Lineage], random: object) -> None:
    current = {one for one in arrivals if not any(replaces(other, one) for other in arrivals)}
    assert take(SetTable(), arrivals)[0] == current
    shuffled = arrivals * 2
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert take(SetTable(), shuffled)[0] == current


@given(st.lists(lineages, min_size=1, max_size=6))
def test_what_replaces_a_closed_set_is_a_later_attempt_of_what_all_its_records_share(arrivals: list[Lineage]) -> None:
    table = SetTable()
    kept, _ = take(table, arrivals)
    table.close(table.groups[("q",)])
    for late in arrivals:
        member, released = Member(Message("queue", "", b""), late, Delivery(0, 99)), list[Delivery]()
        taken = table.receive(("q",), RECORD, member, released)
        assert taken is None or all(replaces(late, one) for one in kept)
        assert (taken is None) == (released == [member.delivery])
        table.groups.clear()


@given(lineages, lineages, lineages)
def test_replacing_is_an_order(a: Lineage, b: Lineage, c: Lineage) -> None:
    assert not replaces(a, a)
    assert not (replaces(a, b) and replaces(b, a))
    if replaces(a, b) and replaces(b, c):
        assert replaces(a, c)


@given(st.lists(lineages, min_size=1, max_size=4))
def test_what_a_set_shares_is_known_in_any_order(members: list[Lineage]) -> None:
    found = shared(members, "set")
    assert found == shared(reversed(members), "set")
    for one in members:
        assert [link[:3] for link in found] == [link[:3] for link in one[: len(found)]]
    assert len(identity(found)) == len(found)
