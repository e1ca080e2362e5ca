"""From queues and stages to what is deployed: the plan that a graph has too, with the keys that people wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from alto_streams.errors import PipelineError
from alto_streams.explicit.plan import EXPLICIT, OUTCOME, QUESTIONS, Declared, ExplicitStage, Outlet, Queue
from alto_streams.failure import Failure
from alto_streams.plan import COORDINATOR, Plan, Port, StagePlan, Target

if TYPE_CHECKING:
    from alto_streams.explicit.pipeline import ExplicitPipeline

Reader = tuple[str, int]  # a stage, and its port


def lower(pipeline: ExplicitPipeline) -> Plan:
    """Raises PipelineError where the queues and stages do not fit together."""
    queues, declared = pipeline.queues, tuple(pipeline.declared.values())
    for stage in declared:
        _check_known(stage, queues)
    for queue in queues.values():
        _check_used(queue, declared)
    conclude = _concluding(pipeline)
    readers = {queue: (stage.name, port) for stage in declared for port, queue in enumerate(stage.reads)}
    readers[OUTCOME] = (COORDINATOR, 1)
    stages = {stage.name: _lowered(stage, queues, readers) for stage in declared}
    ports = (Port("source", pipeline.source.type, ()), Port(OUTCOME, queues[OUTCOME].type, ()))
    coordinator = StagePlan(COORDINATOR, COORDINATOR, None, ports, key_depth=0, levels=())
    first, port = readers[QUESTIONS]
    sources = (Target(first, port, stages[first].key_depth), Target(COORDINATOR, 0, 0))
    return Plan((*stages.values(), coordinator), sources, pipeline.source.type, conclude)


def _lowered(stage: Declared, queues: dict[str, Queue], readers: dict[str, Reader]) -> ExplicitStage:
    key = _key(stage, queues)
    written = [queues[name] for name in stage.writes]
    outlets = {queue.name: Outlet(queue, *readers.get(queue.name, ())) for queue in written}
    return ExplicitStage(
        stage.name,
        EXPLICIT,
        stage.function,
        tuple(Port("source" if name == QUESTIONS else name, queues[name].type, key[1:]) for name in stage.reads),
        _depth(key),
        key[1:],
        stage.uses,
        stage.prompt,
        stage.concurrency,
        items=[Target(one.stage, one.port, _depth(one.queue.key)) for one in outlets.values() if one.stage],
        outlets=outlets,
    )


def _depth(key: tuple[str, ...]) -> int | None:
    return len(key) - 1 if key else None


def _key(stage: Declared, queues: dict[str, Queue]) -> tuple[str, ...]:
    """Of what the stage reads."""
    keys = {queues[name].key for name in stage.reads}
    if len(keys) > 1:
        said = ", ".join(f"[{', '.join(key)}]" if key else "none" for key in sorted(keys))
        raise PipelineError(
            f"Stage '{stage.name}' reads queues of different keys: {said}.",
            "give them one key, since the records of a set come together by it",
        )
    return keys.pop()


def _check_known(stage: Declared, queues: dict[str, Queue]) -> None:
    for verb, names in (("reads", stage.reads), ("writes", stage.writes)):
        for name in names:
            if name not in queues:
                raise PipelineError(
                    f"Stage '{stage.name}' {verb} '{name}', which is no queue.",
                    f"declare it, or use one of {', '.join(queues)}",
                )


def _check_used(queue: Queue, stages: tuple[Declared, ...]) -> None:
    name = queue.name
    readers = [stage.name for stage in stages if name in stage.reads]
    writers = [stage.name for stage in stages if name in stage.writes]
    outside = name == OUTCOME or queue.channel is not None
    if len(readers) > 1:
        raise PipelineError(
            f"Stages '{readers[0]}' and '{readers[1]}' both read '{name}'.", "write twice, to a queue of each"
        )
    if readers and outside:
        raise PipelineError(f"Stage '{readers[0]}' reads '{name}', which leaves the pipeline.", "read another queue")
    if not readers and not outside:
        raise PipelineError(f"Nobody reads queue '{name}'.", "let a stage read it, or take it out")
    if writers and name == QUESTIONS:
        raise PipelineError(f"Stage '{writers[0]}' writes '{name}', where questions enter.", "write another queue")
    if not writers and name != QUESTIONS:
        raise PipelineError(f"Nobody writes queue '{name}'.", "let a stage write it, or take it out")


def _concluding(pipeline: ExplicitPipeline) -> Callable[..., Any]:
    """Better now than at the first question that fails."""
    assert pipeline.conclude is not None
    try:
        pipeline.conclude("question", [], Failure(COORDINATOR, "check", "Would this be told?"))
    except Exception as error:
        raise PipelineError(
            f"The outcome of pipeline '{pipeline.name}' cannot say that a question failed: {error!r}.",
            "let conclude(question_id, items, failure) take no items and a failure (stage, kind, message)",
        ) from error
    return pipeline.conclude
