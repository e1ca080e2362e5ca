"""Reduce: what a user's function makes of the items, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Generic, TypeVar

from alto_streams.errors import AltoError, InvalidInput, PipelineError

S = TypeVar("S")
T = TypeVar("T")


class Reduce(Generic[S, T]):
    """`function(function(initial, item0), item1)` and so on, in order; `initial` for an empty scope.

    With `any_order=True` items are folded as they come, and none is kept: the function must then give the same in any
    order. To fold several levels it needs `merge(a, b)`, the state of both parts. `initial` is copied for each scope.

    >>> spell = Reduce(lambda text, word: f"{text} {word}".strip(), "")
    >>> spell.result(spell.add(spell.add(spell.initial(), "to"), "be"))
    'to be'
    """

    def __init__(
        self,
        function: Callable[[S, T], S],
        initial: S,
        *,
        merge: Callable[[S, S], S] | None = None,
        any_order: bool = False,
    ) -> None:
        for given in (function, merge):
            if not callable(given) and given is not None:
                raise PipelineError(f"Reduce is given {given!r}, which is no function.", "write Reduce(function, 0)")
        self.ordered = not any_order
        self._function, self._initial, self._merge, self._any_order = function, initial, merge, any_order
        if merge is not None:
            self.merge = merge  # absent otherwise: a pipeline asks whether there is one

    def initial(self) -> S:
        return deepcopy(self._initial)

    def add(self, state: S, item: T) -> S:
        try:
            return self._function(state, item)
        except AltoError:
            raise
        except Exception as error:
            raise InvalidInput(
                "unreadable_item",
                f"The function of Reduce fails on a {type(item).__name__}: {type(error).__name__}: {error}.",
                "let the function return a state for every item of its stream",
            ) from error

    def result(self, state: S) -> S:
        return state
