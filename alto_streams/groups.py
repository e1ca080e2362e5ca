"""The open groups of a stateful stage: records that share a key, until every port has all it waits for.

One table serves one partition and lives as long as the partition is owned: a new owner re-reads what was not
acknowledged. Memory is bounded by the questions within their deadlines.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import combinations, takewhile
from typing import Any, NamedTuple

from alto_streams.ancestry import Key, Version
from alto_streams.effects import Delivery
from alto_streams.plan import Port
from alto_streams.record import Kind, Record
from alto_streams.scopes import EMPTY, Scope

_COUNT, _LAST = Kind.COUNT, Kind.LAST  # an attribute of an Enum costs as much as a look into a dict


class Twins(NamedTuple):
    """Two ports at which the same expands open so many of the outermost levels that they close."""

    one: int
    other: int
    levels: int


def twins_of(ports: tuple[Port, ...]) -> tuple[Twins, ...]:
    """Every pair of ports that fold items of the same runs."""
    found = []
    for (i, one), (j, other) in combinations(enumerate(ports), 2):
        same = list(takewhile(lambda pair: pair[0] == pair[1], zip(one.openers, other.openers, strict=False)))
        if same:
            found.append(Twins(i, j, len(same)))
    return tuple(found)


class Group:
    """What has come for one key, in one version (the attempts of the key's levels)."""

    __slots__ = ("ancestry", "deadline", "epoch", "held", "ports", "shown", "trees", "twins", "values", "version")

    def __init__(self, table: GroupTable, version: Version, record: Record) -> None:
        self.ports, self.version, self.twins = table.ports, version, table.twins
        self.ancestry = record.ancestry.cut(table.key_depth)
        self.epoch, self.deadline = record.epoch, record.deadline
        self.trees: dict[int, Scope[Delivery]] = {}
        for number, scope in table.scopes:
            self.trees[number] = scope.fresh()
        self.values: dict[int, Any] = {}
        self.held: list[Delivery] = []
        self.shown = b""  # the early result that went out last

    def add(self, record: Record, value: Any, key_depth: int, delivery: Delivery, released: list[Delivery]) -> bool:
        """Takes one record for its port; adds to `released` what may be acknowledged at once.

        False where the port still waits.
        """
        tree = self.trees.get(record.port)
        if tree is not None:
            item, kind = record.ancestry, record.kind
            if kind is _COUNT:
                tree.close(item.below(key_depth), record.attempt, record.count, delivery, released)
            elif tree.depth == 1 and item.depth == key_depth + 1:
                tree.add_child(item.position, item.attempt, value, delivery, released)
                if kind is _LAST:
                    tree.close((), item.attempt, item.position + 1, None, released)
            else:
                steps = item.below(key_depth)
                tree.add(steps, value, delivery, released)
                if kind is _LAST:
                    tree.close(steps[:-1], item.attempt, item.position + 1, None, released)
            return tree.count == tree.done or tree.decided
        if record.port in self.values:
            released.append(delivery)
        else:
            self.values[record.port] = value
            self.held.append(delivery)
        return True

    @property
    def complete(self) -> bool:
        for tree in self.trees.values():  # a generator, or the scopes' property, would take twice the time
            if tree.count != tree.done and not tree.decided:
                return False
        if len(self.values) + len(self.trees) != len(self.ports):
            return False
        return not self.twins or all(self._agree(twins) for twins in self.twins)

    def _agree(self, twins: Twins) -> bool:
        """Whether two ports have folded items of the same runs.

        Each has all that it waits for, but where a run was repeated one of them may have the first run's, the other one
        the second's. The second run has reached a port, so it will reach the other one too.
        """
        one, other, levels = twins
        return self.trees[one].same_runs(self.trees[other], levels)

    @property
    def decided_early(self) -> bool:
        """Whether some of what was to come is not waited for."""
        return any(not tree.complete for tree in self.trees.values())

    def inputs(self) -> list[Any]:
        """One value for each port; EMPTY, or None at an optional one, where the item was dropped or nothing folded."""
        return [self.value(i) for i in range(len(self.ports))]

    def value(self, port: int) -> Any:
        value = self.trees[port].result() if port in self.trees else self.values.get(port, EMPTY)
        if value is None or value is EMPTY:
            return None if self.ports[port].optional else EMPTY
        return value

    def early(self) -> Any:
        """The result so far of an aggregate that has one; NOTHING where it is not worth telling."""
        (tree,) = self.trees.values()
        return tree.operator.early(tree.folded())  # type: ignore[attr-defined]

    def deliveries(self) -> list[Delivery]:
        return self.held + [d for tree in self.trees.values() for d in tree.deliveries()]

    def missing(self) -> str:
        """What the group still waits for, for people."""
        parts = [f"'{p.stream}'" for i, p in enumerate(self.ports) if i not in self.trees and i not in self.values]
        for i, tree in self.trees.items():
            if not tree.complete:
                done, count = tree.progress()
                level = self.ports[i].levels[-self.ports[i].closes]
                parts.append(f"'{self.ports[i].stream}' ({done} of {'?' if count is None else count} {level}s)")
        parts += [f"another run of '{self.ports[one].openers[0]}'" for one, _, _ in self.twins if not parts]
        return ", ".join(parts)


class GroupTable:
    """Groups by key, and the keys that are closed, remembered until their deadline so that a late copy is dropped."""

    def __init__(self, ports: tuple[Port, ...], key_depth: int, remember_ms: int = 0) -> None:
        self.ports, self.key_depth, self.remember_ms = ports, key_depth, remember_ms
        self.twins = twins_of(ports)
        self.scopes: list[tuple[int, Scope[Delivery]]] = [  # by port, and empty
            (number, Scope(port.closes, port.operator))
            for number, port in enumerate(ports)
            if port.operator is not None
        ]
        self.groups: dict[Key, Group] = {}
        self.closed: dict[Key, Version] = {}
        self._ends: list[tuple[int, Key]] = []  # a heap

    def receive(self, record: Record, value: Any, delivery: Delivery, released: list[Delivery]) -> Group | None:
        """The group that this record completes, if it does. What may be acknowledged at once is added to `released`.

        An operator may raise; `released` then still counts, and the delivery is in no group.
        """
        key, version = record.ancestry.group(self.key_depth)
        group = self.groups.get(key)
        if group is None or (version is not group.version and version != group.version):
            group = self._newer(group, key, version, record, released)
            if group is None:
                released.append(delivery)
                return None
        if not group.add(record, value, self.key_depth, delivery, released) or not group.complete:
            return None
        self.close(key, version, group.deadline)
        return group

    def _newer(
        self, group: Group | None, key: Key, version: Version, record: Record, released: list[Delivery]
    ) -> Group | None:
        """An empty group in place of this one; None where the record is of a version that has been replaced."""
        closed = self.closed.get(key)
        if (closed is not None and version <= closed) or (group is not None and version < group.version):
            return None
        if group is not None:
            released.extend(group.deliveries())
        group = self.groups[key] = Group(self, version, record)
        return group

    def close(self, key: Key, version: Version, deadline: int) -> None:
        self.groups.pop(key, None)
        if key not in self.closed:
            heappush(self._ends, (deadline + self.remember_ms, key))
        self.closed[key] = version

    def drop(self, ended: Record) -> list[Delivery]:
        """Forgets the groups that have ended. Costs O(groups): a question seldom ends before it is complete."""
        dropped = [key for key, group in self.groups.items() if ended.ends(group.ancestry, group.epoch)]
        return [delivery for key in dropped for delivery in self.groups.pop(key).deliveries()]

    def expired(self, now: int) -> Iterator[tuple[Key, Group]]:
        """Takes out the groups whose deadline has passed, and forgets old closed keys. `now` in milliseconds."""
        late = [(key, group) for key, group in self.groups.items() if group.deadline < now]
        for key, group in late:
            del self.groups[key]
            yield key, group
        while self._ends and self._ends[0][0] < now:
            self.closed.pop(heappop(self._ends)[1], None)
