"""Pairs the items of a deeper stream with what their ancestor has in shallower ones: a join across levels.

It is a stage of its own, before the one that reads the join. It closes the deeper levels, as an aggregate does, and
opens them again for its reader: every item, the ancestor's beside it, and the counts, in one list of effects.

It waits for the whole scope. What it has closed it forgets when it dies, so of what comes again it may see the rest
only; to hand that on would replace, downstream, a scope that is whole by one that never will be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alto_streams.ancestry import Ancestry, constraint
from alto_streams.effects import Delivery, Send
from alto_streams.groups import Group
from alto_streams.plan import StagePlan, Target
from alto_streams.record import Kind, Record
from alto_streams.scopes import EMPTY, Scope


class Pairing:
    """What follows from one group that is complete, for all of its items; values are passed on as they came."""

    def __init__(self, stage: StagePlan, group: Group, ancestor: Ancestry) -> None:
        self.stage, self.group, self.ancestor = stage, group, ancestor
        ((self.deeper, self.scope),) = group.trees.items()

    def sends(self) -> list[Send]:
        return list(self._reopened(self.scope, self.ancestor))

    def _reopened(self, scope: Scope[Delivery], parent: Ancestry) -> Iterator[Send]:
        assert scope.count is not None
        assert scope.attempt is not None
        for index, child in sorted(scope.children.items()):
            item = parent.child(index, scope.attempt)
            if scope.depth > 1:
                yield from self._reopened(child, item)
            else:
                for port, value in {**self.group.values, self.deeper: child}.items():
                    kind, data = (Kind.EMPTY, b"") if value is EMPTY else (Kind.ITEM, value)
                    yield self._send(self.stage.items[port], kind, item, data)
        for target in self.stage.recounts[len(parent.path) - len(self.ancestor.path)]:
            yield self._send(target, Kind.COUNT, parent, count=scope.count, attempt=scope.attempt)

    def _send(self, target: Target, kind: Kind, ancestry: Ancestry, value: bytes = b"", **counted: Any) -> Send:
        record = Record(kind, target.port, ancestry, self.group.epoch, self.group.deadline, value, **counted)
        return Send(target.stage, record, None if target.key_depth is None else constraint(ancestry, target.key_depth))
