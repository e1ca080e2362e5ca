"""What an operator reads of an item: a user's function is called, and what it returns is checked.

An item that cannot be read raises InvalidInput, which fails its question; a function that is none raises PipelineError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from math import isfinite
from numbers import Integral, Rational, Real
from operator import attrgetter
from typing import Any

from alto_streams.errors import AltoError, InvalidInput, PipelineError


class Reading:
    """Calls `function` for the operator named `operator`; a field's name reads that field, None is the item itself."""

    __slots__ = ("function", "operator")

    def __init__(self, operator: str, function: Callable[[Any], Any] | str | None) -> None:
        if isinstance(function, str) and re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", function):
            function = attrgetter(function)
        if function is not None and not callable(function):
            raise PipelineError(
                f"{operator} is given {function!r}, which is neither a field nor a function of an item.",
                f'write {operator}("field") or {operator}(lambda item: item.field), say',
            )
        self.operator, self.function = operator, function

    def value(self, item: Any) -> Any:
        if self.function is None:
            return item
        try:
            return self.function(item)
        except AltoError:
            raise
        except Exception as error:
            raise InvalidInput(
                "unreadable_item",
                f"The function of {self.operator} fails on a {type(item).__name__}: {type(error).__name__}: {error}.",
                f"let the function that {self.operator} is given return a value for every item of its stream",
            ) from error

    def flag(self, item: Any) -> bool:
        """A truth value; only True and False are, so that a forgotten comparison shows."""
        value = self.value(item)
        if not isinstance(value, bool):
            raise self._refused("not_a_bool", value, "neither True nor False", "let its predicate return bool(...)")
        return value

    def number(self, item: Any) -> int | float:
        """A finite number."""
        value = self.value(item)
        if isinstance(value, (int, float)):
            number: int | float = value
        elif isinstance(value, Integral):  # of numpy, say
            number = int(value)
        elif isinstance(value, Real) and not isinstance(value, Rational):
            number = float(value)
        else:
            raise self._refused("not_a_number", value, "no int or float", f"write {self.operator}(lambda item: ...)")
        if isinstance(number, float) and not isfinite(number):
            raise self._refused("not_finite", value, "not finite", "filter such items out before it")
        return number

    def rank(self, item: Any) -> Any:
        """A value to sort by. NaN is refused: it is neither before nor after anything."""
        value = self.value(item)
        if _has_nan(value):
            raise self._refused("not_a_number", value, "in no order", "filter such items out before it")
        return value

    def label(self, item: Any) -> Hashable:
        """A value to group by. NaN is refused: it equals nothing, not even itself."""
        value = self.value(item)
        try:
            hash(value)
        except TypeError:
            mend = "let its key return a str, a number or a tuple of them"
            raise self._refused("not_hashable", value, "not hashable", mend) from None
        if _has_nan(value):
            raise self._refused("not_a_number", value, "equal to nothing", "filter such items out before it")
        label: Hashable = value
        return label

    def incomparable(self, error: TypeError) -> InvalidInput:
        """What to raise where two ranks have no order."""
        return InvalidInput(
            "no_order",
            f"{self.operator} cannot put its items in order: {error}.",
            f"give {self.operator} a key that returns numbers, or strings, for all items",
        )

    def _refused(self, kind: str, value: Any, what: str, mend: str) -> InvalidInput:
        shown = repr(value) if isinstance(value, (str, int, float, tuple, type(None))) else f"a {type(value).__name__}"
        return InvalidInput(kind, f"{self.operator} reads {shown[:80]}, which is {what}.", mend)


def _has_nan(value: Any) -> bool:
    parts = value if isinstance(value, tuple) else (value,)
    return any(isinstance(part, Real) and part != part for part in parts)
