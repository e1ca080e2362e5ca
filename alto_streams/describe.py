"""A pipeline for people: every stage with its inputs, levels, key and topic; and as a Mermaid diagram."""

from __future__ import annotations

from dataclasses import dataclass

from alto_streams.explicit.plan import ExplicitStage
from alto_streams.pipeline import Pipeline
from alto_streams.plan import COORDINATOR, PAIR, Plan, StagePlan, Target


@dataclass(frozen=True)
class StageDescription:
    """One stage in words. `key` is what its records are grouped by, empty where it is unconstrained."""

    name: str
    kind: str
    reads: tuple[str, ...]
    level: str  # of one run
    key: str
    emits: str
    pool: str


def describe(pipeline: Pipeline) -> list[StageDescription]:
    """The stages in the order of the graph. Raises PipelineError where the graph is not whole."""
    return [_describe(stage) for stage in pipeline.plan.stages]


def _describe(stage: StagePlan) -> StageDescription:
    reads = []
    for port in stage.ports:
        folded = port.levels[len(port.levels) - port.closes :]
        every = f" (every {', '.join(folded)})" if folded else ""
        reads.append(_human(port.stream) + every + (" or None" if port.optional else ""))
    emits = _type(stage.item_type)
    if stage.opens:
        emits += f" (one per {stage.opens})"
    for part in stage.parts:
        emits += f" and {_type(part.cut.type)} (one per {part.cut.level})"
    if stage.name == COORDINATOR:
        emits = "Outcome"
    if isinstance(stage, ExplicitStage):
        emits = ", ".join(f"{_type(outlet.queue.type)} to {outlet.queue.name}" for outlet in stage.outlets.values())
    key = "" if stage.key_depth is None else _path(stage.levels[: stage.key_depth])
    return StageDescription(stage.name, stage.kind, tuple(reads), _path(stage.levels), key, emits, stage.pool or "")


def mermaid(pipeline: Pipeline) -> str:
    """A Mermaid flowchart: boxes are stages, doubled where they hold state; thick arrows carry a key."""
    plan = pipeline.plan
    results = f"{pipeline.result_type.replace('_', ' ')}s"
    lines = ["flowchart LR", "    questions([questions])", f"    outcomes([{results} and outcomes])"]
    for stage in plan.stages:
        shape = f'[["{stage.name}<br/>per {_path(stage.levels)}"]]' if stage.stateful else f'["{stage.name}"]'
        lines.append(f"    {stage.name}{shape}")
    lines.append(f"    questions --> {COORDINATOR}")
    lines += [f"    {COORDINATOR} --> {t.stage}" for t in plan.sources if t.stage != COORDINATOR]
    for stage in plan.stages:
        lines += _edges(plan, stage)
    lines.append(f"    {COORDINATOR} --> outcomes")
    return "\n".join(lines)


def _edges(plan: Plan, stage: StagePlan) -> list[str]:
    if isinstance(stage, ExplicitStage):
        read = [outlet for outlet in stage.outlets.values() if outlet.stage]
        return [f"    {stage.name} {'==>' if o.queue.key else '-->'}|{o.queue.name}| {o.stage}" for o in read]
    lines = [f"    {stage.name} -->|{stage.opens or _type(stage.item_type)}| {t.stage}" for t in _once(stage)]
    return lines + [f"    {stage.name} ==>|{part.cut.level}| {t.stage}" for part in stage.parts for t in part.readers]


def _once(stage: StagePlan) -> list[Target]:
    """A pair sends all streams of its join to one reader."""
    return stage.items[:1] if stage.kind == PAIR else stage.items


def _path(levels: tuple[str, ...]) -> str:
    return " / ".join(("question", *levels))


def _human(stream: str) -> str:
    producer, _, levels = stream.partition(".")
    level = levels.replace(".", "s, these at ")
    return f"{producer}, cut at {level}s" if level else "the questions" if producer == "source" else producer


def _type(type: object) -> str:
    return getattr(type, "__name__", "bytes")
