"""What a stage's function says of itself in its annotations: the types it reads and the type it emits."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from alto_streams.context import Context
from alto_streams.errors import PipelineError
from alto_streams.matching import alternatives, bound, fits, says_nothing, shown, takes_none
from alto_streams.operators import Into, Operator


@dataclass(frozen=True)
class Signature:
    """`None` stands for a type that is not annotated; it matches any."""

    inputs: tuple[Any, ...]
    result: Any
    generator: bool

    def accept(self, stage: str, types: tuple[Any, ...], may_lack: tuple[str, ...] = ()) -> None:
        """Raises PipelineError unless the function reads items of these types.

        `may_lack` names the streams, of the last parameters, that have no item at times: the function then gets None.
        """
        if len(self.inputs) != len(types):
            raise PipelineError(
                f"Stage '{stage}' reads {len(self.inputs)} inputs, but its stream has {len(types)}.",
                "give the function one parameter for each joined stream, then the context",
            )
        for wanted, given in zip(self.inputs, types, strict=True):
            if not fits(given, wanted):
                raise PipelineError(
                    f"Stage '{stage}' reads {shown(wanted)}, but its input carries {shown(given)}.",
                    "change the annotation, or put a map between them",
                )

        first = len(types) - len(may_lack)
        for wanted, stream in zip(self.inputs[first:], may_lack, strict=True):
            if not takes_none(wanted):
                raise PipelineError(
                    f"Stage '{stage}' reads {shown(wanted)}, but its left join gives None where '{stream}' has none.",
                    f"annotate it {shown(wanted)} | None, or leave out how='left'",
                )

    def yields_if(self, stage: str, expected: bool) -> None:
        """Raises PipelineError where an expand is no async generator, or another stage is one."""
        if self.generator != expected:
            raise PipelineError(
                f"Stage '{stage}' {'must be an async generator' if expected else 'must return one value, not yield'}.",
                "use expand for a function that yields, and map for one that returns",
            )


def signature(function: Any) -> Signature:
    """Reads the annotations of a function, or of an object with `__call__`."""
    call = function if inspect.isfunction(function) else type(function).__call__
    inputs, result = _hints(call, skip=("self",))
    generator = inspect.isasyncgenfunction(call) or get_origin(result) in (AsyncIterator, AsyncGenerator)
    if get_origin(result) in (AsyncIterator, AsyncGenerator):
        result = get_args(result)[0]
    return Signature(inputs[:-1], bound(_class(result)), generator)


def result_of(stage: str, operator: Operator, item: Any) -> Any:
    """What an operator makes of items of a type. Raises PipelineError where it does not read them."""
    if isinstance(operator, Into):
        found = result_of(stage, operator.operator, item)
        if isinstance(operator.function, type):
            return operator.function
        inputs, result = _hints(operator.function, ())
        Signature(inputs[:1] or (None,), None, False).accept(stage, (found,))
        return bound(_class(result))
    skip = ("self", "state", "place")
    inputs, result = _hints(type(operator).add, skip)[0], _hints(type(operator).result, skip)[1]
    Signature(inputs[-1:], None, False).accept(stage, (item,))
    if getattr(operator, "selects", False):
        default = getattr(operator, "default", None)
        if default is not None and not fits(type(default), item):
            raise PipelineError(
                f"Stage '{stage}' has {shown(type(default))} for its default, but its input carries {shown(item)}.",
                "let default be such an item, or make the result a message with Into(operator, function)",
            )
        return item
    return bound(_class(result), {inputs[-1]: item})


def check_items(pipeline: str, conclude: Any, item: Any) -> None:
    """Raises PipelineError where `conclude` reads other items than those of the output."""
    inputs, _ = _hints(conclude if inspect.isfunction(conclude) else type(conclude).__call__, ("self",))
    if item is not None and not all(fits(list[item], wanted) for wanted in inputs[1:2]):
        raise PipelineError(
            f"The outcome of pipeline '{pipeline}' reads {shown(inputs[1])}, but the output carries {shown(item)}.",
            "change the annotation of conclude(question_id, items, failure)",
        )


def _hints(function: Any, skip: tuple[str, ...]) -> tuple[tuple[Any, ...], Any]:
    try:
        hints = get_type_hints(function, localns={"Context": Context})
    except (NameError, TypeError):  # names that are there for type checkers alone; what has no annotations
        hints = {}
    try:
        names = [name for name in inspect.signature(function).parameters if name not in skip]
    except ValueError:
        names = []
    return tuple(hints.get(name) for name in names), hints.get("return")


def _class(result: Any) -> Any:
    """A union stands for the first thing that it may be; None, which drops the item, is none of them."""
    found = alternatives(result)[0]
    return None if says_nothing(found) and not isinstance(found, TypeVar) else found


def name_of(function: Any) -> str:
    """`extract_claims` for that function, `encode_query` for an instance of EncodeQuery."""
    name = getattr(function, "__name__", None) or type(function).__name__
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
