"""What pipeline.yaml says of a pipeline, as plain data: stages, the resources they share, the queues between them."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from alto_streams.deployment.code import Written, path_of, written
from alto_streams.errors import PipelineError
from alto_streams.explicit import ExplicitPipeline
from alto_streams.pipeline import Pipeline
from alto_streams.plan import COORDINATOR, PAIR, Port, StagePlan
from alto_streams.signatures import signature
from topics import names

QUESTION = "question"  # the outermost level, which every record has
CLIENT = "client"


@dataclass(frozen=True)
class Read:
    """One stream that a stage reads, the levels that it folds before, and with what. An aggregate's own is `runs`."""

    stream: str
    folds: tuple[str, ...] = ()
    operator: Written = None


@dataclass(frozen=True)
class Stage:
    """One stage. `runs` names its code; `levels` is the ancestry of one run, and `emits` its types."""

    kind: str
    reads: tuple[Read, ...]
    runs: Written
    join: str | None = None  # left, where the streams in `reads` are not joined inner
    prompt: Written = None
    opens: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()  # the quantum of each level in `opens`, where text is cut
    levels: tuple[str, ...] = ()
    emits: tuple[str, ...] = ()
    publishes: tuple[str, ...] = ()
    concurrency: int | None = None  # where it is not 1


@dataclass(frozen=True)
class Output:
    """What leaves: the items of one stream, under a type, and the outcome that `conclude` makes of them."""

    stream: str
    type: str
    conclude: Written


@dataclass(frozen=True)
class Input:
    """One stream in a queue: who writes it, its message and its ancestry."""

    stream: str
    type: str
    levels: tuple[str, ...]


@dataclass(frozen=True)
class Queue:
    """One topic. `key` is the constraint: records that share these levels reach one instance; empty, any instance."""

    reader: str
    key: tuple[str, ...]
    inputs: tuple[Input, ...]


@dataclass(frozen=True)
class Topology:
    """A pipeline as data. `resources` is the stages of each pool; the queues are named as their topics.

    What follows from the rest (levels, types that code says of itself, queues) may be empty in a file.
    """

    pipeline: str
    source: str | None
    stages: dict[str, Stage]
    output: Output
    resources: dict[str, tuple[str, ...]]
    queues: dict[str, Queue]


def topology(pipeline: Pipeline) -> Topology:
    """Raises PipelineError where the graph is not whole, or runs what no file can name."""
    if isinstance(pipeline, ExplicitPipeline):
        raise PipelineError(
            f"Pipeline '{pipeline.name}' is explicit: its queues are in its code, and in no pipeline.yaml.",
            "look at it with `alto pipeline show`, as a tree, mermaid or json",
        )
    plan = pipeline.plan
    resources: dict[str, tuple[str, ...]] = {}
    for stage in plan.stages:
        if stage.pool is not None:
            resources[stage.pool] = (*resources.get(stage.pool, ()), stage.name)
    assert pipeline.result is not None  # or there were no plan
    output = Output(
        pipeline.result.node.name,
        pipeline.result_type,
        written(plan.conclude, f"The conclude of pipeline '{pipeline.name}'"),
    )
    home = getattr(plan.conclude, "__module__", "")
    pairs = {stage.name: stage for stage in plan.stages if stage.kind == PAIR}
    stages = {s.name: _stage(s, pairs, home) for s in plan.stages if s.name not in (COORDINATOR, *pairs)}
    return Topology(pipeline.name, type_path(plan.source_type), stages, output, resources, queues(pipeline))


def queues(pipeline: Pipeline) -> dict[str, Queue]:
    """All of them follow from the graph."""
    plan = pipeline.plan
    asked = Queue(COORDINATOR, (QUESTION,), (Input(CLIENT, _type(plan.source_type), (QUESTION,)),))
    found = {names.questions(pipeline.name): asked}
    for stage in plan.stages:
        found[names.stage_input(pipeline.name, stage.name)] = _queue(stage)
    outcome = Input(COORDINATOR, _type(signature(plan.conclude).result), (QUESTION,))
    results = tuple(_emitted(stage) for stage in plan.stages if stage.output is not None)
    found[names.verified_claims(pipeline.name)] = Queue(CLIENT, (QUESTION,), (*results, outcome))
    shown = tuple(_emitted(stage) for stage in plan.stages if stage.published)
    if shown:
        found[names.progress(pipeline.name)] = Queue(CLIENT, (QUESTION,), shown)
    return found


def derived(stage: StagePlan) -> dict[str, tuple[str, ...]]:
    """What a file may leave out of a stage, for it follows from the graph and from what its code says of itself."""
    emits = [stage.item_type, *(part.cut.type for part in stage.parts)]
    return {
        "opens": tuple(level for level in (stage.opens, *(part.cut.level for part in stage.parts)) if level),
        "levels": (QUESTION, *stage.levels),
        "emits": tuple(path for path in map(type_path, emits) if path is not None),
    }


def _stage(stage: StagePlan, pairs: dict[str, StagePlan], home: str) -> Stage:
    of, near = f"Stage '{stage.name}'", (getattr(stage.function, "__module__", ""), home)
    across = pairs.get(stage.ports[0].stream)
    runs = stage.ports[0].operator if stage.kind == "aggregate" else stage.function
    return Stage(
        stage.kind,
        tuple(_read(stage, port, near) for port in stage.ports) if across is None else _paired(across),
        written(runs, of, near),
        prompt=None if stage.prompt is None else written(stage.prompt, f"The prompt of stage '{stage.name}'", near),
        join="left" if any(port.optional for port in stage.ports) else None,
        cut=tuple(cut for cut in (stage.cut, *(part.cut.quantum for part in stage.parts)) if cut),
        publishes=tuple(stage.published),
        concurrency=stage.concurrency if stage.pool or stage.concurrency != 1 else None,
        **derived(stage),
    )


def _paired(pair: StagePlan) -> tuple[Read, ...]:
    """What a join across levels reads: the pairing is a stage of the plan, and none of the graph."""
    return tuple(Read(port.stream) for port in pair.ports)


def _read(stage: StagePlan, port: Port, near: tuple[str, ...]) -> Read:
    folds = port.levels[len(port.levels) - port.closes :]
    inside = port.operator is not None and stage.kind != "aggregate"
    operator = written(port.operator, f"An operator that stage '{stage.name}' reads through", near) if inside else None
    return Read(port.stream, folds, operator)


def _queue(stage: StagePlan) -> Queue:
    key = () if stage.key_depth is None else (QUESTION, *stage.levels[: stage.key_depth])
    inputs = tuple(Input(port.stream, _type(port.type), (QUESTION, *port.levels)) for port in stage.ports)
    return Queue(stage.name, key, inputs)


def _emitted(stage: StagePlan) -> Input:
    opened = (stage.opens,) if stage.opens else ()
    return Input(stage.name, _type(stage.item_type), (QUESTION, *stage.levels, *opened))


def type_path(type: Any) -> str | None:
    """The import path of a message class; None where the code does not say which it is."""
    if type is None:
        return None
    return path_of(type) or (type.__name__ if inspect.isclass(type) else str(type))


def _type(type: Any) -> str:
    return getattr(type, "__name__", "bytes")
