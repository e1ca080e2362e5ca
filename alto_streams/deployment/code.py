"""Code as a file names it: `module:attribute`, or a class with what it is made with. Written here, and read back.

An object is written as a call of its class: what its `__init__` was given is looked up in the attributes of the same
names (`_name` or `name`), as scikit-learn does.
"""

from __future__ import annotations

import inspect
import sys
from math import isfinite
from types import ModuleType
from typing import Any

from alto_streams.errors import PipelineError

CODE, WITH = "code", "with"
Written = Any  # text, or {"code": text, "with": {name: value}}


def written(found: Any, of: str, near: tuple[str, ...] = ()) -> Written:
    """How a file names a function, or an object by its class. `near` are modules that may have a name for it.

    Raises PipelineError, with `of` for a subject, where it has no import path.
    """
    path = path_of(found, near)
    if path is not None:
        return {CODE: path} if isinstance(found, type) else path
    if callable(found) and hasattr(found, "__qualname__"):
        raise PipelineError(
            f"{of} is {_said(found)}, which has no import path, so no file can name it.",
            "write it as a function of a module: def name(...), at its top level",
        )
    path, given = _class_path(found, of, near), _arguments(found, of, near)
    return {CODE: path, WITH: given} if given else path


def path_of(found: Any, near: tuple[str, ...] = ()) -> str | None:
    """`module:attribute` that holds this very object; None where no module does."""
    if (path := _own_path(found)) is not None:
        return path
    for name in dict.fromkeys((*near, getattr(found, "__module__", None) or "")):
        module = sys.modules.get(name)
        for attribute, value in vars(module).items() if module is not None and name != "__main__" else ():
            if value is found and not attribute.startswith("__"):
                return f"{name}:{attribute}"
    return None


def _own_path(found: Any) -> str | None:
    """By the names that functions and classes know of themselves, and in the outermost package that offers it."""
    home, attribute = getattr(found, "__module__", None), getattr(found, "__qualname__", None)
    if not isinstance(home, str) or not isinstance(attribute, str) or home == "__main__" or "<" in attribute:
        return None
    value: Any = sys.modules.get(home)
    for part in attribute.split("."):
        value = getattr(value, part, None)
    if value is not found:
        return None
    packages = [home.rsplit(".", depth)[0] for depth in range(home.count("."), 0, -1)]
    return f"{next((name for name in packages if _offers(sys.modules.get(name), attribute, found)), home)}:{attribute}"


def _offers(package: ModuleType | None, attribute: str, found: Any) -> bool:
    return attribute in getattr(package, "__all__", ()) and getattr(package, attribute, None) is found


def _class_path(found: Any, of: str, near: tuple[str, ...]) -> str:
    path = path_of(type(found), near)
    if path is None:
        raise PipelineError(
            f"{of} is {_said(found)}, whose class has no import path, so no file can name it.",
            "define the class at the top level of a module",
        )
    return path


def _arguments(found: Any, of: str, near: tuple[str, ...]) -> dict[str, Any]:
    """What the object was made with, without what has its default."""
    if "__new__" in {
        name for each in type(found).__mro__[:-1] for name in vars(each)
    }:  # `functools.partial`, say: what it was made with is its own affair
        raise PipelineError(
            f"{of} is {_said(found)}, which does not say what it was made with, so no file can make it again.",
            "give the object a name in its module",
        )
    if type(found).__init__ is object.__init__:
        return {}
    given = {}
    for parameter in list(inspect.signature(type(found).__init__).parameters.values())[1:]:
        name, missing = parameter.name, object()
        value = getattr(found, f"_{name}", getattr(found, name, missing))
        named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if not named or value is missing or inspect.ismethod(value):
            raise PipelineError(
                f"{of} is {_said(found)}, which does not say what its '{name}' is, so no file can make it again.",
                f"keep it as self.{name} or self._{name}, or give the object a name in its module",
            )
        if not (value is parameter.default or (type(value), value) == (type(parameter.default), parameter.default)):
            given[name] = _value(value, f"'{name}' of {of[0].lower()}{of[1:]}", near)
    return given


def _value(value: Any, of: str, near: tuple[str, ...]) -> Any:
    """A parameter: plain data as YAML has it, else code."""
    if type(value) in (type(None), bool, int, str) or (type(value) is float and isfinite(value)):
        return value
    if isinstance(value, list):
        return [_value(item, of, near) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value) and CODE not in value:
        return {key: _value(item, of, near) for key, item in value.items()}
    of = of[0].upper() + of[1:]
    if isinstance(value, (float, tuple, dict, set, frozenset, bytes)) and path_of(value, near) is None:
        raise PipelineError(
            f"{of} is {_said(value)}, which no file can hold.",
            "use text, numbers, lists and dicts of them, or give the object a name in its module",
        )
    said = written(value, of, near)
    if isinstance(said, dict):
        return said
    return {CODE: said} if path_of(value, near) is not None else {CODE: said, WITH: {}}  # made with nothing


def _said(found: Any) -> str:
    if inspect.isfunction(found):
        kind = "a lambda" if found.__name__ == "<lambda>" else f"function '{found.__qualname__}'"
        return f"{kind} (line {found.__code__.co_firstlineno} of {found.__module__})"
    return f"a {type(found).__name__}"
