"""Whether two plans are the same: of the same code, and of objects that hold the same."""

from __future__ import annotations

import inspect
from operator import attrgetter
from typing import Any

from alto_streams.pipeline import Pipeline


def equal_plans(one: Pipeline, other: Pipeline) -> bool:
    return one.name == other.name and same(one.plan, other.plan)


def same(one: Any, other: Any, seen: frozenset[tuple[int, int]] = frozenset()) -> bool:
    """Functions and classes are the same only as one; objects where their classes are, and all that they hold."""
    if one is other or (id(one), id(other)) in seen:
        return True
    if type(one) is not type(other) or inspect.isroutine(one) != inspect.isroutine(other) or isinstance(one, type):
        return False
    seen |= {(id(one), id(other))}
    if inspect.ismethod(one):
        return one.__func__ is other.__func__ and same(one.__self__, other.__self__, seen)
    if inspect.isroutine(one):
        return False
    if isinstance(one, attrgetter):
        return repr(one) == repr(other)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(same(a, b, seen) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key], seen) for key, value in one.items())
    plain = type(one).__eq__ is not object.__eq__ and not _held(one)
    return bool(one == other) if plain else same(_held(one), _held(other), seen)


def _held(found: Any) -> dict[str, Any]:
    slots = [slot for each in type(found).__mro__ for slot in getattr(each, "__slots__", ())]
    return {**{slot: getattr(found, slot) for slot in slots if hasattr(found, slot)}, **getattr(found, "__dict__", {})}
