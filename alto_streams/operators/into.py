"""Into: the result of another operator, made into a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alto_streams.errors import PipelineError
from alto_streams.operators.operator import NOTHING, Deciding, Early, Mergeable, Operator, Place, add_at


class Into:
    """`function` of what `operator` results in; all else as `operator` does it.

    A value that another stage reads, or that is published, has to be a message. A result of None stays None.

    >>> from alto_streams.operators import Count
    >>> told = Into(Count(), lambda n: f"{n} words".encode())
    >>> told.result(told.add(told.initial(), "be"))
    b'1 words'
    """

    def __init__(self, operator: Operator, function: Callable[[Any], Any]) -> None:
        if isinstance(operator, type) or not isinstance(operator, Operator) or not callable(function):
            raise PipelineError(
                f"Into is given {operator!r} and {function!r}, not an operator and a function.",
                "write Into(Count(), function)",
            )
        self.operator, self.function = operator, function
        self.ordered = bool(getattr(operator, "ordered", False))
        self.placed = bool(getattr(operator, "placed", False))
        self.__name__ = getattr(operator, "__name__", type(operator).__name__)  # the stage is called after it
        # Only where the operator has them: a pipeline asks whether they are there.
        if isinstance(operator, Mergeable):
            self.merge = operator.merge
        if isinstance(operator, Early):
            self.early = self._early
        if isinstance(operator, Deciding):
            self.decided = operator.decided
        if hasattr(operator, "open"):
            self.open = operator.open

    def initial(self) -> Any:
        return self.operator.initial()

    def add(self, state: Any, item: Any, place: Place = ()) -> Any:
        return add_at(self.operator, state, item, place)

    def result(self, state: Any) -> Any:
        return self._made(self.operator.result(state))

    def _early(self, state: Any) -> Any:
        assert isinstance(self.operator, Early)
        found = self.operator.early(state)
        return NOTHING if found is NOTHING else self._made(found)

    def _made(self, found: Any) -> Any:
        return None if found is None else self.function(found)
