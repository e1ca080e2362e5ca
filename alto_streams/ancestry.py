"""Where a record comes from: the question, and for each level opened above it the index of the item in its scope.

All functions are pure and cost O(depth); what siblings share is remembered for the next of them. The path of "claim 2
of sentence 0 of question q" is `(Step(0, a), Step(2, b))`, where `a` and `b` are the attempts of the runs that produced
the sentence and the claim.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple


class Attempt(NamedTuple):
    """Which run of an expand produced an item. A later attempt replaces what an earlier one left downstream.

    `generation` grows whenever the input's partition is taken over, so a run after a crash compares greater than the
    run that crashed. `run` tells apart runs of one generation: two copies of one input, or a retry.
    """

    generation: int
    run: int


FIRST = Attempt(0, 0)


class Step(NamedTuple):
    """One level of a path: the index in the scope, and the attempt that made the scope."""

    position: int
    attempt: Attempt


Path = tuple[Step, ...]
Key = tuple[str | int, ...]
Version = tuple[Attempt, ...]

REMEMBERED = 4096  # scopes: some megabytes, and more than an instance reads or writes at a time


class Ancestry(NamedTuple):
    """The question's id and the path below it; the path's length is the number of open levels."""

    question: str
    path: Path = ()

    def child(self, index: int, attempt: Attempt) -> Ancestry:
        """The ancestry of the item at `index` of the scope that `attempt` opens here."""
        return Ancestry(self.question, (*self.path, Step(index, attempt)))

    def cut(self, depth: int) -> Ancestry:
        """The ancestor at `depth` levels: 0 is the question itself."""
        return Ancestry(self.question, self.path[:depth])

    def key(self, depth: int) -> Key:
        """What records of one group share at `depth` levels, whichever attempt they come from."""
        return group_of(self.question, self.path[:depth])[0]

    def version(self, depth: int) -> Version:
        """The attempts of the first `depth` levels; a greater version of an equal key replaces a smaller one."""
        return group_of(self.question, self.path[:depth])[1]

    @property
    def item_id(self) -> str:
        """A readable id, unique within the question: the indices, then a digest of the attempts, as in `0.2-1f09ac`."""
        if not self.path:
            return ""
        attempts = ",".join(f"{s.attempt.generation}:{s.attempt.run}" for s in self.path)
        digest = blake2b(attempts.encode(), digest_size=3).hexdigest()
        return ".".join(str(step.position) for step in self.path) + "-" + digest


def constraint(ancestry: Ancestry, depth: int) -> bytes:
    """The aggregation constraint: equal bytes go to one instance. Attempts are left out on purpose."""
    return _constraint(ancestry.question, ancestry.path[:depth])


@lru_cache(REMEMBERED)
def _constraint(question: str, path: Path) -> bytes:
    return "\0".join((question, *[str(step.position) for step in path])).encode()


@lru_cache(REMEMBERED)
def group_of(question: str, path: Path) -> tuple[Key, Version]:
    """Key and version of a path cut to the key's depth."""
    return (question, *[step.position for step in path]), tuple([step.attempt for step in path])
