"""What a file names, imported: functions, classes, and the objects that are made of them."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from alto_streams.deployment.code import CODE, WITH
from alto_streams.deployment.marked_yaml import Marked
from alto_streams.errors import AltoError

PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
PLAIN = ("null", "bool", "int", "float", "str")


def import_path(marked: Marked, what: str) -> Any:
    """What `module:attribute` names. Raises FileError where there is no such thing."""
    path = marked.text(what)
    if PATH.fullmatch(path) is None:
        marked.fail(f"{what} is {marked.said()}, which is no import path.", "write module:attribute")
    module_name, _, attribute = path.partition(":")
    import_from_here()
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        mend = "correct the name, or run from the folder that the module is in"
        marked.fail(f"{what} is in module '{module_name}', but there is no module '{error.name}'.", mend)
    except Exception as error:
        said = f"{type(error).__name__}: {error}".rstrip(".")
        marked.fail(f"{what} is in module '{module_name}', which cannot be imported: {said}.", "mend that module")
    for part in attribute.split("."):
        if not hasattr(found, part):
            marked.fail(f"{what} is '{path}', but '{module_name}' has no '{attribute}'.", "correct the name")
        found = getattr(found, part)
    return found


def import_from_here() -> None:
    """The command `alto` has not got the working folder on its path, unlike `python -m`."""
    here = str(Path.cwd())
    if "" not in sys.path and here not in sys.path:
        sys.path.insert(0, here)


def code(marked: Marked, what: str) -> Any:
    """What the text names, made where it is a class; or what `code` names, made where there is a `with`."""
    if not marked.is_mapping():
        found = import_path(marked, what)
        return _make(marked, what, found, {}) if isinstance(found, type) else found
    places = _places(marked, what)
    found = import_path(places[CODE][1], what)
    return _make(marked, what, found, _arguments(places[WITH][1], what)) if WITH in places else found


def _places(marked: Marked, what: str) -> dict[str, tuple[Marked, Marked]]:
    places = marked.mapping(what, (CODE, WITH))
    if CODE not in places:
        marked.fail(f"{what} has no '{CODE}'.", f"write {CODE}: module:attribute there")
    return places


def _arguments(marked: Marked, what: str) -> dict[str, Any]:
    entries = marked.mapping(f"'{WITH}' of {what}")
    return {name: _value(value, f"'{name}' of {what}") for name, (_, value) in entries.items()}


def _make(marked: Marked, what: str, found: Any, arguments: dict[str, Any]) -> Any:
    if not isinstance(found, type):
        marked.fail(f"{what} is made with parameters, but is no class.", f"name a class, or leave out '{WITH}'")
    try:
        return found(**arguments)
    except AltoError as error:
        marked.fail(error.message, error.mend)
    except Exception as error:
        said = f"{type(error).__name__}: {error}".rstrip(".")
        marked.fail(f"{what} cannot be made: {said}.", f"give {found.__name__} what it needs, under '{WITH}'")


def _value(marked: Marked, what: str) -> Any:
    if marked.is_mapping():
        if CODE not in (entries := marked.mapping(what)):
            return {name: _value(value, f"'{name}' of {what}") for name, (_, value) in entries.items()}
        return code(marked, what)
    if marked.is_list():
        return [_value(item, f"an entry of {what}") for item in marked.items(what)]
    tag = marked.node.tag.removeprefix("tag:yaml.org,2002:")
    if tag not in PLAIN or (tag == "int" and re.fullmatch(r"[-+]?(0|[1-9][0-9]*)", marked.node.value) is None):
        marked.fail(f"{what} is {marked.said()}, which can be read in two ways.", "write a plain number, or quote it")
    return yaml.constructor.SafeConstructor().construct_object(marked.node)
