"""The open sets of an explicit stage: the records that share a constraint, until the stage says that they are all.

The counterpart of `groups` where the stage itself knows when a set is complete. One table serves one partition and
lives as long as the partition is owned. Memory is bounded by the questions within their deadlines.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Any, NamedTuple

from alto_streams.effects import Delivery
from alto_streams.explicit.handles import Message
from alto_streams.explicit.lineage import Identity, Latest, Lineage, identity, replaces, shared
from alto_streams.record import Record

Key = tuple[str, ...]  # the question's id, then the ids of the constraint


class Member(NamedTuple):
    """One record of a set."""

    message: Message[Any]
    lineage: Lineage
    delivery: Delivery


class RecordSet:
    """What has come for one key. Of each run above, only the latest attempt; of each record, only the first copy."""

    def __init__(self, key: Key, record: Record) -> None:
        self.key, self.record, self.ancestry = key, record, record.ancestry
        self.epoch, self.deadline = record.epoch, record.deadline
        self.members: dict[tuple[str, Identity], Member] = {}
        self.messages: list[Message[Any]] = []
        self.held: list[Delivery] = []
        self.latest = Latest()
        self.closed = False

    def add(self, member: Member) -> bool:
        """False for a copy of a record that is there."""
        name = (member.message.queue, identity(member.lineage))
        if name in self.members:
            return False
        self.members[name] = member
        self.messages.append(member.message)
        self.held.append(member.delivery)
        return True

    @property
    def lineage(self) -> Lineage:
        """Of the set as a whole: a later attempt of one of these runs replaces all that is in it."""
        return shared((member.lineage for member in self.members.values()), self.key[-1])

    def deliveries(self) -> list[Delivery]:
        return list(self.held)

    def rest(self, record: Record, released: list[Delivery]) -> RecordSet:
        """The set once more, without the records of attempts that have been replaced."""
        rest = RecordSet(self.key, record)
        rest.latest = self.latest
        for member in self.members.values():
            if self.latest.replaced(member.lineage):
                released.append(member.delivery)
            else:
                rest.add(member)
        return rest


class SetTable:
    """Sets by key, and the lineage of those that are closed, until their deadline, so that a late copy is dropped."""

    def __init__(self) -> None:
        self.groups: dict[Key, RecordSet] = {}
        self.closed: dict[Key, Lineage] = {}
        self._ends: list[tuple[int, Key]] = []  # a heap

    def receive(
        self, key: Key, record: Record, member: Member, released: list[Delivery]
    ) -> tuple[RecordSet, RecordSet | None] | None:
        """The set that the record is in from now on, and the set that this one replaces. None where it is dropped.

        What may be acknowledged at once is added to `released`.
        """
        found, before = self.groups.get(key), None
        if found is None:
            if key in self.closed and not replaces(member.lineage, self.closed[key]):
                released.append(member.delivery)
                return None
            found = self.groups[key] = RecordSet(key, record)
        if found.latest.replaced(member.lineage):
            released.append(member.delivery)
            return None
        if found.latest.learn(member.lineage):
            before, found = found, found.rest(record, released)
            self.groups[key] = found
        if not found.add(member):
            released.append(member.delivery)
            return None
        return found, before

    def close(self, found: RecordSet) -> None:
        """Nothing more is taken for this key, unless it follows from a later attempt. Once for each set."""
        if found.closed:
            return
        found.closed = True
        if self.groups.get(found.key) is found:
            del self.groups[found.key]
        if found.key not in self.closed:
            heappush(self._ends, (found.deadline, found.key))
        self.closed[found.key] = found.lineage

    def drop(self, ended: Record) -> list[Delivery]:
        """Forgets the sets of a question that has ended. Nothing is released here: their runs hold it."""
        for key in [key for key, found in self.groups.items() if ended.ends(found.ancestry, found.epoch)]:
            del self.groups[key]
        return []

    def expired(self, now: int) -> Iterator[RecordSet]:
        """Takes out the sets whose deadline has passed, and forgets old closed keys. `now` in milliseconds."""
        late = [found for found in self.groups.values() if found.deadline < now]
        for found in late:
            del self.groups[found.key]
            yield found
        while self._ends and self._ends[0][0] < now:
            self.closed.pop(heappop(self._ends)[1], None)
