"""Where a pipeline file says something else than the code, to the line and column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from alto_streams.deployment.marked_yaml import Marked
from alto_streams.deployment.topology import Topology

AGAIN = "correct it, or print the file again with `alto pipeline show --format yaml`"


def check_same(root: Marked, found: Topology, wanted: Topology) -> None:
    """`found` was read from `root`. Raises FileError at the first difference from `wanted`, which is the code's."""
    sections = root.mapping("a pipeline")
    if found.pipeline != wanted.pipeline:
        _say(sections["pipeline"][1], "pipeline", found.pipeline, wanted.pipeline)
    for what in ("stages", "resources", "queues"):
        marked, one = sections[what][1], what[:-1]
        entries = marked.mapping(what)
        given: Mapping[str, Any] = getattr(found, what)
        coded: Mapping[str, Any] = getattr(wanted, what)
        for name in given:
            if name not in coded:
                entries[name][0].fail(f"the code has no {one} '{name}'.", AGAIN)
        for name, expected in coded.items():
            if name not in given:
                marked.fail(f"the code has {one} '{name}', which is missing here.", AGAIN)
            _check(entries[name][1], f"{one} '{name}'", given[name], expected)


def _check(marked: Marked, what: str, found: Any, wanted: Any) -> None:
    """Of two values of one type; both may be an entry of topology.py, whose fields are compared one by one."""
    if found == wanted:
        return
    if isinstance(wanted, (tuple, str)):
        _say(marked, what, found, wanted)
    places = marked.mapping(what)
    for field in fields(wanted):
        given, coded = getattr(found, field.name), getattr(wanted, field.name)
        place, name = places[field.name][1] if field.name in places else marked, f"{field.name} of {what}"
        if field.name == "inputs" and len(given) == len(coded):
            for index, (item, one, other) in enumerate(zip(place.items(name), given, coded, strict=True)):
                _check(item, f"input {index + 1} of {what}", one, other)
        elif given != coded:
            _say(place, name, given, coded)


def _say(marked: Marked, what: str, found: Any, wanted: Any) -> None:
    marked.fail(f"{what} is {_said(found)}, but {_said(wanted)} in the code.", AGAIN)


def _said(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(str(getattr(item, 'stream', item)) for item in value)}]"
    return "not set" if value is None else f"'{value}'" if isinstance(value, str) else str(value)
