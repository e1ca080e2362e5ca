"""pipeline.yaml: a pipeline printed from its code, read back, and held against the code again."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml  # type: ignore[import-untyped]

from alto_streams.deployment.difference import check_same
from alto_streams.deployment.marked_yaml import Marked, compose, read_text
from alto_streams.deployment.topology import Input, Output, Queue, Read, Stage, Topology, topology
from alto_streams.pipeline import POOLED, Pipeline

Entry = TypeVar("Entry", Stage, Read, Output, Queue, Input)

KEYS = ("pipeline", "source", "stages", "output", "resources", "queues")
REQUIRED = ("pipeline", "stages", "output")
HEADER = "# Printed by `alto pipeline show --format yaml`; `alto pipeline check` holds it against the code.\n"


def pipeline_yaml(pipeline: Pipeline) -> str:
    """Raises PipelineError where the graph is not whole, or runs what no file can name."""
    # `None` as the flow style writes what holds only scalars, such as a list of levels, on one line.
    dumped = yaml.dump(_plain(topology(pipeline)), Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=110)
    return HEADER + str(dumped)


def read_pipeline(text: str, file: str) -> Topology:
    """What a file says, whatever the code says. Raises FileError where it does not describe a pipeline."""
    return parse(compose(text, file))


def check_pipeline(path: Path, pipeline: Pipeline) -> Topology:
    """Raises FileError at the first place where the file says something else than `pipeline_yaml` would print."""
    root = compose(read_text(path), str(path))
    found = parse(root)
    check_same(root, found, topology(pipeline))
    return found


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML has no types
    """Indents lists below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)


def _plain(value: Any) -> Any:
    """As YAML has it: mappings, lists and scalars, without what has its default."""
    if isinstance(value, Read) and value == Read(value.stream):
        return value.stream
    if is_dataclass(value):
        said = {f.name: _plain(v) for f in fields(value) if (v := getattr(value, f.name)) != f.default}
        return {name: v for name, v in said.items() if v is not None}
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def parse(root: Marked) -> Topology:
    """Raises FileError where it does not describe a pipeline."""
    sections = _required(root, "a pipeline", KEYS, REQUIRED)
    entries = {key: sections[key].mapping(key) if key in sections else {} for key in ("stages", "resources", "queues")}
    resources = {name: _texts(value, f"resource '{name}'") for name, (_, value) in entries["resources"].items()}
    pooled = {stage for pool in resources.values() for stage in pool}
    stages = {name: _entry(Stage, value, f"stage '{name}'") for name, (_, value) in entries["stages"].items()}
    return Topology(
        sections["pipeline"].text("pipeline"),
        sections["source"].text("source") if "source" in sections else None,
        {name: _with_concurrency(stage, name in pooled) for name, stage in stages.items()},
        _entry(Output, sections["output"], "the output"),
        resources,
        {name: _entry(Queue, value, f"queue '{name}'") for name, (_, value) in entries["queues"].items()},
    )


def _with_concurrency(stage: Stage, pooled: bool) -> Stage:
    """As the code would have it, where the file leaves it out."""
    if stage.concurrency is None:
        return replace(stage, concurrency=POOLED) if pooled else stage
    return replace(stage, concurrency=None) if stage.concurrency == 1 and not pooled else stage


def _entry(kind: type[Entry], marked: Marked, what: str) -> Entry:
    known = [field.name for field in fields(kind)]
    found = _required(marked, what, known, [field.name for field in fields(kind) if field.default is MISSING])
    types = {field.name: field.type for field in fields(kind)}
    return kind(**{name: _value(types[name], value, name) for name, value in found.items()})


def _required(marked: Marked, what: str, known: Any, required: Any) -> dict[str, Marked]:
    found = {name: value for name, (_, value) in marked.mapping(what, known).items()}
    for name in required:
        if name not in found:
            marked.fail(f"{what} has no '{name}'.", f"write {name}: ... there")
    return found


def _value(annotated: Any, marked: Marked, name: str) -> Any:
    """`annotated` is a field's annotation as it is written in topology.py."""
    match annotated:
        case "int | None":
            return marked.positive(name)
        case "tuple[Input, ...]":
            return tuple(_entry(Input, item, "an input") for item in marked.items(name))
        case "tuple[Read, ...]":
            return tuple(_read(item) for item in marked.items(name))
        case "tuple[str, ...]":
            return _texts(marked, name)
        case "Written":
            return marked.plain(name) if marked.is_mapping() else marked.text(name)
        case _:
            return marked.text(name)


def _read(marked: Marked) -> Read:
    what = "an entry of reads"
    return _entry(Read, marked, what) if marked.is_mapping() else Read(marked.text(what))


def _texts(marked: Marked, what: str) -> tuple[str, ...]:
    return tuple(item.text(f"an entry of {what}") for item in marked.items(what))
