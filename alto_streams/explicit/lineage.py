"""Where an explicit record comes from: one link for each record above it, with the attempt of the run that wrote it.

The counterpart of `ancestry` for ids that people choose. All functions are pure and cost O(depth).
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

from alto_streams.ancestry import Attempt


class Link(NamedTuple):
    """One record. `of` tells the runs of a stage apart: the ids of the set that the run read, or its queue.

    Under one parent, `stage` and `of` name a run, and `attempt` its latest try; `id` is unique among what it writes.
    """

    stage: str
    of: tuple[str, ...]
    attempt: Attempt
    id: str


Lineage = tuple[Link, ...]
Identity = tuple[tuple[str, tuple[str, ...], str], ...]


def identity(lineage: Lineage) -> Identity:
    """What two copies of a record share, and two runs of the stage that writes it too."""
    return tuple([(link.stage, link.of, link.id) for link in lineage])


def item_id(lineage: Lineage) -> str:
    """The id that people see: the record's own, then a digest of the attempts, as in `0.2-1f09ac`."""
    if not lineage:
        return ""
    attempts = ",".join(f"{link.attempt.generation}:{link.attempt.run}" for link in lineage)
    return f"{lineage[-1].id}-{blake2b(attempts.encode(), digest_size=3).hexdigest()}"


def ancestor(lineage: Lineage, ids: tuple[str, ...]) -> Lineage:
    """The deepest ancestor that a constraint names; none where it names none, or something else."""
    end = 0
    for id in ids:
        end = next((at + 1 for at in range(end, len(lineage)) if lineage[at].id == id), end)
    return lineage[:end]


def shared(lineages: Iterable[Lineage], id: str) -> Lineage:
    """What all records of a set come from, and so what follows from the set.

    Where they end as different records of one run, as the words of a query do, that run is the last link, under `id`.
    """
    first, *rest = lineages
    links: list[Link] = []
    for depth, link in enumerate(first):
        others = [lineage[depth] for lineage in rest if len(lineage) > depth]
        if len(others) < len(rest) or any(other[:3] != link[:3] for other in others):
            break
        if any(other.id != link.id for other in others):
            links.append(link._replace(id=id))
            break
        links.append(link)
    return tuple(links)


def replaces(new: Lineage, old: Lineage) -> bool:
    """Whether a later attempt of one of the runs that `old` comes from has led to `new`."""
    for a, b in zip(new, old, strict=False):
        if (a.stage, a.of) != (b.stage, b.of):
            return False
        if a.attempt != b.attempt:
            return a.attempt > b.attempt
        if a.id != b.id:
            return False
    return False


class Latest:
    """The latest attempt of each run that records of one set come from."""

    def __init__(self) -> None:
        self._runs: dict[tuple[Lineage, str, tuple[str, ...]], Attempt] = {}

    def learn(self, lineage: Lineage) -> bool:
        """Whether an attempt is later than one that was known, so that what came of that one has been replaced."""
        later = False
        for depth, link in enumerate(lineage):
            run = (lineage[:depth], link.stage, link.of)
            known = self._runs.get(run, link.attempt)
            later = later or known < link.attempt
            self._runs[run] = max(known, link.attempt)
        return later

    def replaced(self, lineage: Lineage) -> bool:
        """Whether a later attempt is known of one of the runs that a record comes from."""
        return any(
            self._runs.get((lineage[:depth], link.stage, link.of), link.attempt) > link.attempt
            for depth, link in enumerate(lineage)
        )
