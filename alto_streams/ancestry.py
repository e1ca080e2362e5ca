"""Where a record comes from: the question, and for each level opened above it the index of the item in its scope.

An item refers to its parent, the item whose run opened its scope. Siblings have one parent, and what they share (key,
constraint, the bytes of the header) is worked out once and kept on it, in O(depth), for as long as one of them lives.
The path of "claim 2 of sentence 0 of question q" is `(Step(0, a), Step(2, b))`, where `a` and `b` are the attempts of
the runs that produced the sentence and the claim.
"""

from __future__ import annotations

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
_bare = object.__new__


class Step(NamedTuple):
    """One level of a path: the index in the scope, and the attempt that made the scope."""

    position: int
    attempt: Attempt


Path = tuple[Step, ...]
Key = tuple[str | int, ...]
Version = tuple[Attempt, ...]


class Ancestry:
    """An item of a scope, or a question: what has no parent. Never changed; equal where question and path are.

    >>> sentence = Ancestry("q").child(0, FIRST)
    >>> [step.position for step in sentence.child(2, FIRST).path]
    [0, 2]
    >>> sentence.child(2, FIRST).cut(1) is sentence
    True
    """

    # Kept once they were asked for: `constraint` and `_group` of the item itself; and `packed`, by record.py: for an
    # epoch, a deadline and an attempt, the bytes that the headers of the item's children share.
    __slots__ = ("_group", "attempt", "constraint", "depth", "packed", "parent", "position", "question")

    def __init__(
        self, question: str, parent: Ancestry | None = None, position: int = 0, attempt: Attempt = FIRST
    ) -> None:
        self.question = question
        self.parent = parent
        self.position = position
        self.attempt = attempt
        self.depth: int = 0 if parent is None else parent.depth + 1  # levels that are open
        self.packed: tuple[int, int, Attempt | None, bytes] | None = None
        self._group: tuple[Key, Version] | None = None
        self.constraint: bytes | None = None

    @staticmethod
    def at(question: str, path: Path) -> Ancestry:
        """The item at a path below a question."""
        found = Ancestry(question)
        for step in path:
            found = Ancestry(question, found, *step)
        return found

    def child(self, index: int, attempt: Attempt) -> Ancestry:
        """The item at `index` of the scope that `attempt` opens here."""
        item = _bare(Ancestry)  # every record makes one, and a call of the type would take half as long again
        item.question, item.parent, item.position, item.attempt = self.question, self, index, attempt
        item.depth = self.depth + 1
        item.packed = item._group = item.constraint = None
        return item

    def cut(self, depth: int) -> Ancestry:
        """The ancestor at `depth` levels: 0 is the question itself."""
        found = self
        while found.depth > depth:
            found = found.parent  # type: ignore[assignment]  # only a question has none, and its depth is 0
        return found

    def below(self, depth: int) -> Path:
        """The steps that lead here from the ancestor at `depth` levels."""
        if self.depth <= depth:
            return ()
        steps: list[Step] = []
        found = self
        while found.depth > depth:
            steps.append(Step(found.position, found.attempt))
            found = found.parent  # type: ignore[assignment]
        return tuple(reversed(steps))

    @property
    def path(self) -> Path:
        return self.below(0)

    def group(self, depth: int) -> tuple[Key, Version]:
        """Key and version at `depth` levels: see `key` and `version`."""
        found = self
        while found.depth > depth:
            found = found.parent  # type: ignore[assignment]
        if found._group is None:
            if found.parent is None:
                found._group = (found.question,), ()
            else:
                key, version = found.parent.group(depth)
                found._group = (*key, found.position), (*version, found.attempt)
        return found._group

    def key(self, depth: int) -> Key:
        """What records of one group share at `depth` levels, whichever attempt they come from."""
        return self.group(depth)[0]

    def version(self, depth: int) -> Version:
        """The attempts of the first `depth` levels; a greater version of an equal key replaces a smaller one."""
        return self.group(depth)[1]

    def covers(self, other: Ancestry) -> bool:
        """Whether `other` is this item or descends from it, in the version of this path or in an earlier one."""
        depth = self.depth
        if self.question != other.question or depth > other.depth:
            return False
        return self.key(depth) == other.key(depth) and other.version(depth) <= self.version(depth)

    @property
    def item_id(self) -> str:
        """A readable id, unique within the question: the indices, then a digest of the attempts, as in `0.2-1f09ac`."""
        positions: list[str] = []
        attempts: list[str] = []
        found = self
        while found.parent is not None:  # not by `path`: to make a step costs more than all else here
            positions.append(str(found.position))
            attempts.append(f"{found.attempt[0]}:{found.attempt[1]}")
            found = found.parent
        if not positions:
            return ""
        digest = blake2b(",".join(reversed(attempts)).encode(), digest_size=3).hexdigest()
        return ".".join(reversed(positions)) + "-" + digest

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ancestry):
            return NotImplemented
        return self is other or (self.question == other.question and self.path == other.path)

    def __hash__(self) -> int:
        return hash((self.question, self.path))

    def __repr__(self) -> str:
        return f"Ancestry.at({self.question!r}, {self.path!r})"


def constraint(ancestry: Ancestry, depth: int) -> bytes:
    """The aggregation constraint: equal bytes go to one instance. Attempts are left out on purpose."""
    found = ancestry
    while found.depth > depth:
        found = found.parent  # type: ignore[assignment]
    if found.constraint is None:
        if found.parent is None:
            found.constraint = found.question.encode()
        else:
            found.constraint = b"%b\0%d" % (constraint(found.parent, depth), found.position)
    return found.constraint
