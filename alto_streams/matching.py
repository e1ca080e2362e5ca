"""Whether what a function reads is what its stream carries: annotations compared, as far as they say something.

>>> fits(list[int], list[str]), fits(list[int], list[int] | None), fits(list[int], list)
(False, True, True)
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from types import GenericAlias, MappingProxyType, NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

_ANY = (None, Any, object, Hashable)


def fits(given: Any, wanted: Any) -> bool:
    """Whether a value of type `given` may be read as `wanted`; None, on either side, is a type that nobody says."""
    if says_nothing(given) or says_nothing(wanted):
        return True
    if is_union(given):
        return any(fits(one, wanted) for one in alternatives(given))
    if is_union(wanted):
        return any(fits(given, one) for one in alternatives(wanted))
    a, b = get_origin(given) or given, get_origin(wanted) or wanted
    if not isinstance(a, type) or not isinstance(b, type):
        return True
    if not issubclass(a, b) and (a, b) != (int, float):
        return False
    inside, asked = get_args(given), get_args(wanted)
    return len(inside) != len(asked) or all(map(fits, inside, asked))


def takes_none(wanted: Any) -> bool:
    """Whether None may be read as `wanted`."""
    return says_nothing(wanted) or wanted is NoneType or (is_union(wanted) and NoneType in get_args(wanted))


def bound(hint: Any, types: Mapping[Any, Any] = MappingProxyType({})) -> Any:
    """The hint with types for its type variables: `list[T]`, where T is int, is `list[int]`. One without is None."""
    if isinstance(hint, TypeVar):
        return types.get(hint)
    if get_origin(hint) is not list:
        return hint
    item = bound(get_args(hint)[0], types)
    return list if item is None else GenericAlias(list, (item,))


def is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType)


def alternatives(hint: Any) -> tuple[Any, ...]:
    """Of a union, what it may be besides None; of anything else, that itself."""
    return tuple(one for one in get_args(hint) if one is not NoneType) if is_union(hint) else (hint,)


def shown(hint: Any) -> str:
    """The hint as in code, without modules."""
    if is_union(hint):
        return " | ".join("None" if one is NoneType else shown(one) for one in get_args(hint))
    name: str = getattr(hint, "__name__", str(hint))
    inside = ", ".join(shown(one) for one in get_args(hint))
    return f"{name}[{inside}]" if inside else name


def says_nothing(hint: Any) -> bool:
    """Whether a hint leaves open what it is."""
    return isinstance(hint, TypeVar) or hint in _ANY or getattr(hint, "_is_protocol", False)
