"""Which partition a record goes to. Routing tables are immutable and numbered; a question keeps its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import count

from alto_streams.errors import InvalidInput

REMEMBERED = 4096  # constraints, of a few hundred bytes each: more than an instance writes to at a time


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """Epoch number and, for each stage, the partitions that are active in it."""

    epoch: int
    stages: Mapping[str, tuple[int, ...]]

    def to_json(self) -> bytes:
        return json.dumps({"epoch": self.epoch, "stages": {k: list(v) for k, v in self.stages.items()}}).encode()

    @staticmethod
    def from_json(data: bytes) -> RoutingTable:
        """Raises ValueError or KeyError on anything else than what `to_json` wrote."""
        loaded = json.loads(data)
        return RoutingTable(int(loaded["epoch"]), {k: tuple(map(int, v)) for k, v in loaded["stages"].items()})


def constrained(constraint: bytes, active: tuple[int, ...]) -> int:
    """The active partition of an aggregation constraint: stable across processes, machines and releases."""
    digest = int.from_bytes(blake2b(constraint, digest_size=8).digest(), "little")
    return active[digest % len(active)]


class Router:
    """The tables known so far, and a round robin for each stage that has no constraint."""

    def __init__(self, tables: Iterable[RoutingTable] = ()) -> None:
        self._tables: dict[int, RoutingTable] = {}
        self._turns: dict[str, count[int]] = {}
        self._places: dict[tuple[str, int, bytes], int] = {}  # of the constraints that were asked for last
        self.current = 0
        for table in tables:
            self.learn(table)

    def learn(self, table: RoutingTable) -> None:
        self._tables[table.epoch] = table
        self.current = max(self.current, table.epoch)

    def knows(self, epoch: int) -> bool:
        return epoch in self._tables

    def partition(self, stage: str, epoch: int, constraint: bytes | None) -> int:
        """The partition for one record. Raises InvalidInput for an epoch or stage that no table has."""
        if constraint is not None:
            place = stage, epoch, constraint
            partition = self._places.get(place)
            if partition is None:
                if len(self._places) >= REMEMBERED:
                    self._places.clear()
                partition = self._places[place] = constrained(constraint, self.active(stage, epoch))
            return partition
        active = self.active(stage, epoch)
        return active[next(self._turns.setdefault(stage, count())) % len(active)]

    def active(self, stage: str, epoch: int) -> tuple[int, ...]:
        """All partitions of a stage in one epoch. Raises InvalidInput as `partition` does."""
        table = self._tables.get(epoch)
        active = table.stages.get(stage) if table is not None else None
        if not active:
            raise InvalidInput(
                "unknown_epoch",
                f"No routing table of epoch {epoch} names stage '{stage}'.",
                "check that every worker reads the same routing topic",
            )
        return active
