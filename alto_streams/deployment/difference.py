"""Where a pipeline file says something else than the code, to the line and column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from alto_streams.deployment.marked_yaml import Marked
from alto_streams.deployment.topology import Queue, Read, Topology

AGAIN = "correct it, or print the file again with `alto pipeline show --format yaml`"
FOLLOWS = "correct it, or leave it out: it follows from the rest"
LEFT_OUT = ("levels", "emits")  # what a stage need not say


def check_same(root: Marked, found: Topology, wanted: Topology) -> None:
    """`found` was read from `root`. Raises FileError at the first difference from `wanted`, which is the code's."""
    sections = root.mapping("a pipeline")
    for what in ("pipeline", "source"):
        if getattr(found, what) != getattr(wanted, what):
            place = sections[what][1] if what in sections else root
            _say(place, what, getattr(found, what), getattr(wanted, what))
    for what in ("stages", "resources", "queues"):
        if what != "queues" or what in sections:
            place = sections[what][1] if what in sections else root
            _check_section(place, what, getattr(found, what), getattr(wanted, what))
    _check(sections["output"][1], "the output", found.output, wanted.output)


def check_queues(marked: Marked, found: Mapping[str, Queue], wanted: Mapping[str, Queue]) -> None:
    """Raises FileError where the queues of a file are not those of the graph that it describes itself."""
    _check_section(marked, "queues", found, wanted, "the graph", FOLLOWS)


def check_derived(marked: Marked, what: str, found: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    """Raises FileError where something that follows from the rest of the file is written, and differs."""
    if found != wanted:
        _say(marked, what, found, wanted, "the graph", FOLLOWS)


def _check_section(
    marked: Marked,
    what: str,
    found: Mapping[str, Any],
    wanted: Mapping[str, Any],
    by: str = "the code",
    mend: str = AGAIN,
) -> None:
    one = what[:-1]
    entries = marked.mapping(what) if found else {}
    for name in found:
        if name not in wanted:
            entries[name][0].fail(f"{by} has no {one} '{name}'.", mend)
    for name, expected in wanted.items():
        if name not in found:
            marked.fail(f"{by} has {one} '{name}', which is missing here.", mend)
        _check(entries[name][1], f"{one} '{name}'", found[name], expected, by, mend)


def _check(marked: Marked, what: str, found: Any, wanted: Any, by: str = "the code", mend: str = AGAIN) -> None:
    """Of two values of one type; both may be an entry of topology.py, whose fields are compared one by one."""
    if found == wanted:
        return
    if isinstance(wanted, (tuple, str)) or not marked.is_mapping():
        _say(marked, what, found, wanted, by, mend)
    places = marked.mapping(what)
    for field in fields(wanted):
        given, coded = getattr(found, field.name), getattr(wanted, field.name)
        if field.name in LEFT_OUT and what.startswith("stage ") and field.name not in places:
            continue
        place, name = places[field.name][1] if field.name in places else marked, f"{field.name} of {what}"
        if field.name in ("inputs", "reads") and len(given) == len(coded):
            one = "input" if field.name == "inputs" else "read"
            for index, (item, a, b) in enumerate(zip(place.items(name), given, coded, strict=True)):
                _check(item, f"{one} {index + 1} of {what}", a, b, by, mend)
        elif given != coded:
            _say(place, name, given, coded, by, mend)


def _say(marked: Marked, what: str, found: Any, wanted: Any, by: str = "the code", mend: str = AGAIN) -> None:
    marked.fail(f"{what} is {_said(found)}, but {_said(wanted)} in {by}.", mend)


def _said(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(str(getattr(item, 'stream', item)) for item in value)}]"
    if isinstance(value, Read):
        return f"{{stream: {value.stream}, folds: {_said(value.folds)}}}"
    if isinstance(value, dict):
        return f"'{value.get('code')}' with other parameters"
    return "not set" if value is None else f"'{value}'" if isinstance(value, str) else str(value)
