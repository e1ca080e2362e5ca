"""What pipeline.yaml says of a pipeline, as plain data: stages, the resources they share, the queues between them."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from alto_streams.operators import Into
from alto_streams.pipeline import Pipeline
from alto_streams.plan import COORDINATOR, PAIR, Port, StagePlan
from alto_streams.signatures import signature
from topics import names

QUESTION = "question"  # the outermost level, which every record has
CLIENT = "client"


@dataclass(frozen=True)
class Stage:
    """One stage. `levels` is the ancestry of one run; `runs` names its code, and `emits` its types."""

    kind: str
    levels: tuple[str, ...]
    emits: tuple[str, ...]
    runs: str | None = None
    opens: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()  # the quantum of each level in `opens`, where text is cut
    concurrency: int = 1


@dataclass(frozen=True)
class Input:
    """One stream in a queue: who writes it, its message and ancestry, the levels its reader folds, and with what."""

    stream: str
    type: str
    levels: tuple[str, ...]
    folds: tuple[str, ...] = ()
    operator: str | None = None


@dataclass(frozen=True)
class Queue:
    """One topic. `key` is the constraint: records that share these levels reach one instance; empty, any instance."""

    reader: str
    key: tuple[str, ...]
    inputs: tuple[Input, ...]


@dataclass(frozen=True)
class Topology:
    """A pipeline without its code. `resources` is the stages of each pool; the queues are named as their topics."""

    pipeline: str
    stages: dict[str, Stage]
    resources: dict[str, tuple[str, ...]]
    queues: dict[str, Queue]


def topology(pipeline: Pipeline) -> Topology:
    """Raises PipelineError where the graph is not whole."""
    plan = pipeline.plan
    resources: dict[str, tuple[str, ...]] = {}
    for stage in plan.stages:
        if stage.pool is not None:
            resources[stage.pool] = (*resources.get(stage.pool, ()), stage.name)
    asked = Queue(COORDINATOR, (QUESTION,), (Input(CLIENT, _type(plan.source_type), (QUESTION,)),))
    queues = {names.questions(pipeline.name): asked}
    for stage in plan.stages:
        queues[names.stage_input(pipeline.name, stage.name)] = _queue(stage)
    outcome = Input(COORDINATOR, _type(signature(plan.conclude).result), (QUESTION,))
    results = tuple(_emitted(stage) for stage in plan.stages if stage.output is not None)
    queues[names.verified_claims(pipeline.name)] = Queue(CLIENT, (QUESTION,), (*results, outcome))
    shown = tuple(_emitted(stage) for stage in plan.stages if stage.published)
    if shown:
        queues[names.progress(pipeline.name)] = Queue(CLIENT, (QUESTION,), shown)
    return Topology(pipeline.name, {s.name: _stage(s, plan.conclude) for s in plan.stages}, resources, queues)


def _stage(stage: StagePlan, conclude: Any) -> Stage:
    operators = [port.operator for port in stage.ports if stage.kind == "aggregate"]
    finer = [(part.cut.level, part.cut.quantum, part.cut.type) for part in stage.parts]
    opened = [(stage.opens, stage.cut, stage.item_type), *finer]
    coordinates = stage.name == COORDINATOR
    emits = signature(conclude).result if coordinates else stage.item_type
    return Stage(
        stage.kind,
        (QUESTION, *stage.levels),
        (_type(emits), *(_type(type) for level, _, type in opened[1:] if level)),
        None if stage.kind == PAIR else _code(conclude if coordinates else (stage.function or operators[0])),
        tuple(level for level, _, _ in opened if level),
        tuple(cut for _, cut, _ in opened if cut),
        stage.concurrency,
    )


def _queue(stage: StagePlan) -> Queue:
    key = () if stage.key_depth is None else (QUESTION, *stage.levels[: stage.key_depth])
    return Queue(stage.name, key, tuple(_input(stage, port) for port in stage.ports))


def _input(stage: StagePlan, port: Port) -> Input:
    folds = port.levels[len(port.levels) - port.closes :]
    named = port.operator is not None and stage.kind not in ("aggregate", PAIR, COORDINATOR)
    operator = _code(port.operator) if named else None
    return Input(port.stream, _type(port.type), (QUESTION, *port.levels), folds, operator)


def _emitted(stage: StagePlan) -> Input:
    opened = (stage.opens,) if stage.opens else ()
    return Input(stage.name, _type(stage.item_type), (QUESTION, *stage.levels, *opened))


def _type(type: Any) -> str:
    return getattr(type, "__name__", "bytes")


def _code(function: Any) -> str:
    """`module:name` of a function, or of the class of an object."""
    if isinstance(function, Into):
        return f"{_code(function.operator)} into {_code(function.function)}"
    named = function if inspect.isfunction(function) or isinstance(function, type) else type(function)
    return f"{named.__module__}:{named.__qualname__}"
