"""Vote: the answer that most items give."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

from alto_streams.errors import InvalidInput, PipelineError
from alto_streams.operators.operator import NOTHING, Nothing, Place
from alto_streams.operators.reading import Reading

T = TypeVar("T")


class Candidate(NamedTuple):
    """How many items give a label, and the label as the first of them in order spells it: 1 equals 1.0."""

    votes: int
    place: Place
    label: Hashable

    def and_also(self, other: Candidate) -> Candidate:
        first = other if other.place < self.place else self
        return Candidate(self.votes + other.votes, first.place, first.label)


class Vote(Generic[T]):
    """The commonest item, or the commonest `key(item)`; `default`, or no value (None), for an empty scope.

    Of two equally common ones the one that appears first in order wins. With `of=n`, at most n items may come, and the
    vote is decided once no other can catch up.

    >>> vote = Vote(str.lower, of=3)
    >>> state = vote.initial()
    >>> for place, answer in enumerate(("Paris", "PARIS")):
    ...     state = vote.add(state, answer, (place,))
    >>> vote.decided(state), vote.result(state)
    (True, 'paris')
    """

    placed = True

    def __init__(
        self,
        key: Callable[[T], Hashable] | str | None = None,
        *,
        of: int | None = None,
        default: Hashable | None = None,
    ) -> None:
        if of is not None and (not isinstance(of, int) or isinstance(of, bool) or of < 1):
            raise PipelineError(f"Vote cannot be one of {of!r} items.", "write of=n with a whole number of at least 1")
        self.of, self._key, self.default = of, key, default
        self._reading = Reading("Vote", key)
        if of is not None:  # a pipeline asks whether they are there
            self.early, self.decided = self._early, self._decided

    def initial(self) -> dict[Hashable, Candidate]:
        return {}

    def add(self, state: dict[Hashable, Candidate], item: T, place: Place = ()) -> dict[Hashable, Candidate]:
        label = self._reading.label(item)
        return self.merge(state, {label: Candidate(1, place, label)})

    def merge(self, a: dict[Hashable, Candidate], b: dict[Hashable, Candidate]) -> dict[Hashable, Candidate]:
        if self.of is not None and _cast(a) + _cast(b) > self.of:
            raise InvalidInput(
                "too_many_votes",
                f"Vote is one of {self.of} items, and more have come.",
                "write of=n with as many items as the scope can have, or leave it out",
            )
        for label, one in b.items():
            known = a.get(label)
            a[label] = known.and_also(one) if known else one
        return a

    def result(self, state: dict[Hashable, Candidate]) -> Hashable | None:
        return min(state.values(), key=lambda one: (-one.votes, one.place)).label if state else self.default

    def _early(self, state: dict[Hashable, Candidate]) -> Hashable | Nothing:
        return self.result(state) if self._decided(state) else NOTHING

    def _decided(self, state: dict[Hashable, Candidate]) -> bool:
        left = (self.of or 0) - _cast(state)
        votes = sorted((one.votes for one in state.values()), reverse=True)
        return left == 0 or (bool(votes) and votes[0] - sum(votes[1:2]) > left)


def _cast(state: dict[Hashable, Candidate]) -> int:
    return sum(one.votes for one in state.values())
