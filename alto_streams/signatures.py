"""What a stage's function says of itself in its annotations: the types it reads and the type it emits."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from alto_streams.context import Context
from alto_streams.errors import PipelineError
from alto_streams.operators import Into


@dataclass(frozen=True)
class Signature:
    """`None` stands for a type that is not annotated; it matches any."""

    inputs: tuple[Any, ...]
    result: Any
    generator: bool

    def accept(self, stage: str, types: tuple[Any, ...]) -> None:
        """Raises PipelineError unless the function reads items of these types."""
        if len(self.inputs) != len(types):
            raise PipelineError(
                f"Stage '{stage}' reads {len(self.inputs)} inputs, but its stream has {len(types)}.",
                "give the function one parameter for each joined stream, then the context",
            )
        for wanted, given in zip(self.inputs, types, strict=True):
            if wanted is not None and given is not None and wanted is not given:
                raise PipelineError(
                    f"Stage '{stage}' reads {_name(wanted)}, but its input carries {_name(given)}.",
                    "change the annotation, or put a map between them",
                )

    def yields_if(self, stage: str, expected: bool) -> None:
        """Raises PipelineError where an expand is no async generator, or another stage is one."""
        if self.generator != expected:
            raise PipelineError(
                f"Stage '{stage}' {'must be an async generator' if expected else 'must return one value, not yield'}.",
                "use expand for a function that yields, and map for one that returns",
            )


def signature(function: Any) -> Signature:
    """Reads the annotations of a function, of an object with `__call__`, or of an operator's `add` and `result`."""
    if hasattr(function, "add") and hasattr(function, "initial"):
        return _signature_of_operator(function)
    call = function if inspect.isfunction(function) else type(function).__call__
    inputs, result = _hints(call, skip=("self",))
    generator = inspect.isasyncgenfunction(call) or get_origin(result) in (AsyncIterator, AsyncGenerator)
    if get_origin(result) in (AsyncIterator, AsyncGenerator):
        result = get_args(result)[0]
    if get_origin(result) in (Union, UnionType):  # T | None: a map that may drop its item
        result = next((t for t in get_args(result) if t is not type(None)), None)
    return Signature(inputs[:-1], _class(result), generator)


def _signature_of_operator(operator: Any) -> Signature:
    if isinstance(operator, Into):
        return Signature(signature(operator.operator).inputs, _made_by(operator.function), False)
    skip = ("self", "state", "place")
    inputs = _hints(type(operator).add, skip)[0]
    return Signature(inputs[-1:], _class(_hints(type(operator).result, skip)[1]), False)


def _made_by(function: Any) -> Any:
    """The class that a function returns, or the class that is called to make one."""
    return function if isinstance(function, type) else _class(_hints(function, ())[1])


def _hints(function: Any, skip: tuple[str, ...]) -> tuple[tuple[Any, ...], Any]:
    try:
        hints = get_type_hints(function, localns={"Context": Context})
    except NameError:
        hints = {}
    names = [name for name in inspect.signature(function).parameters if name not in skip]
    kept = [hints.get(name) for name in names]
    return tuple(_class(hint) for hint in kept), hints.get("return")


def _class(hint: Any) -> Any:
    """Only classes are compared; list[T], a type variable or Any matches anything."""
    return hint if isinstance(hint, type) and hint not in (Any, type(None)) else None


def name_of(function: Any) -> str:
    """`extract_claims` for that function, `encode_query` for an instance of EncodeQuery."""
    name = getattr(function, "__name__", None) or type(function).__name__
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _name(found: Any) -> str:
    return getattr(found, "__name__", str(found))
