"""From the graph to what is deployed: stages with input ports, the key of each edge, and where each scope closes.

A map, filter or expand is a stage. A join, and an aggregate whose operator needs no resources, run inside the stage
that reads them; an operator with `open()`, or one that several stages read, is a stage of its own. A join across levels
has a stage that pairs its items, before the one that reads them. The coordinator, where questions enter and outcomes
leave, is added to every plan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from alto_streams.errors import PipelineError
from alto_streams.graph_checks import check_graph, check_message
from alto_streams.operators import Collect, Operator
from alto_streams.pipeline import Pipeline, Stream
from alto_streams.places import has_place

if TYPE_CHECKING:
    from alto_streams.engines.protocol import Prompt

COORDINATOR = "coordinator"
PAIR = "pair"


@dataclass(frozen=True)
class Cut:
    """A finer quantum at which items are cut, the level that this opens, and the message of one piece."""

    level: str
    quantum: str
    type: Any
    placed: bool = False  # the message wants the piece's place in the text


@dataclass(frozen=True)
class Port:
    """One input of a stage. With an operator it closes the innermost `closes` levels of the `depth` that arrive."""

    stream: str
    type: Any
    levels: tuple[str, ...]
    closes: int = 0
    operator: Operator | None = None
    cuts: tuple[Cut, ...] = ()  # of the stream for this reader, from the coarsest to the finest
    optional: bool = False  # of a left join: the reader gets None for an item that was dropped
    openers: tuple[str, ...] = ()  # of the levels that it closes: who opened them


@dataclass(frozen=True)
class Target:
    """One reader of what a stage emits. `key_depth` is None where the edge is unconstrained."""

    stage: str
    port: int
    key_depth: int | None


@dataclass
class Part:
    """The pieces of one cut: who reads them, and who is told how many there are in each coarser piece."""

    cut: Cut
    readers: list[Target] = field(default_factory=list)
    counts: list[Target] = field(default_factory=list)


@dataclass
class StagePlan:
    """One deployed stage. It is stateful where its key has a depth: records are grouped by that many levels."""

    name: str
    kind: str  # map, filter, expand, aggregate, pair or coordinator
    function: Any
    ports: tuple[Port, ...]
    key_depth: int | None
    levels: tuple[str, ...]  # of one run: what the stage's inputs share
    pool: str | None = None
    prompt: Prompt | None = None  # the constant beginning of what it asks the pool
    concurrency: int = 1
    opens: str | None = None
    item_type: Any = None
    cut: str | None = None
    placed: bool = False  # as of a cut
    items: list[Target] = field(default_factory=list)
    item_counts: list[Target] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)  # of its items: each cut is one of the pieces of the one before
    recounts: list[list[Target]] = field(default_factory=list)  # of a pair: who closes each level that it opens again
    published: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)  # of what is published: also before the scope closes
    output: str | None = None
    feeders: tuple[str, ...] = ()  # of one that may decide: stages whose work under a key it alone needs

    @property
    def stateful(self) -> bool:
        return self.key_depth is not None

    @property
    def readers(self) -> list[Target]:
        """Of the parts of its items, and of the items."""
        return _readers(self.parts) + self.items

    @property
    def slots(self) -> int | None:
        """How many of its functions may be at work in one instance; None for any number."""
        return self.concurrency

    def resources(self) -> list[Any]:
        """The stage's function and operators that want `open()` before the first record."""
        found = [self.function, *(port.operator for port in self.ports)]
        return list({id(x): x for x in found if hasattr(x, "open")}.values())


@dataclass(frozen=True)
class Plan:
    """All stages in the order of the graph, the coordinator last."""

    stages: tuple[StagePlan, ...]
    sources: tuple[Target, ...]  # who reads the questions
    source_type: Any
    conclude: Callable[..., Any]

    def stage(self, name: str) -> StagePlan:
        """Raises PipelineError where no stage has this name."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        known = ", ".join(stage.name for stage in self.stages)
        raise PipelineError(f"The pipeline has no stage '{name}'.", f"use one of {known}")


def make_plan(pipeline: Pipeline) -> Plan:
    """Raises PipelineError where the graph is not whole."""
    check_graph(pipeline)
    assert pipeline.result is not None
    assert pipeline.conclude is not None
    separate = {id(s) for s in pipeline.streams if s.node.kind != "aggregate" or _stands_alone(pipeline, s)}
    stages = _stages([s for s in pipeline.streams if id(s) in separate], separate)
    coordinator = StagePlan(
        COORDINATOR,
        COORDINATOR,
        None,
        (
            Port("source", pipeline.source.type, ()),
            Port(
                pipeline.result.node.name,
                pipeline.result.type,
                pipeline.result.levels,
                len(pipeline.result.levels),
                Collect() if pipeline.result.levels else None,
            ),
        ),
        key_depth=0,
        levels=(),
    )
    stages[COORDINATOR] = coordinator
    sources: list[Target] = []
    for stage in stages.values():
        for index, port in enumerate(stage.ports):
            target = Target(stage.name, index, stage.key_depth)
            producer = port.stream.partition(".")[0]
            if producer == "source":
                sources.append(target)
            elif port.cuts:
                _part(stages[producer], port.cuts).readers.append(target)
            else:
                stages[producer].items.append(target)
    stages[pipeline.result.node.name].output = pipeline.result_type
    for stream, type in pipeline.published:
        stages[stream.node.name].published.append(type)
    for stream, type in pipeline.early:
        stages[stream.node.name].early.append(type)
    for stage in stages.values():
        _check_read(stage)
        if stage.opens is not None:
            stage.item_counts += _closers(stages, stage.readers, len(stage.levels) + 1)
            for i, part in enumerate(stage.parts):
                part.counts += _closers(stages, _readers(stage.parts[i:]), len(stage.levels) + 2 + i)
        if stage.kind == PAIR:
            depths = range(len(stage.levels) + 1, max(len(port.levels) for port in stage.ports) + 1)
            stage.recounts += [_closers(stages, stage.items, depth) for depth in depths]
    for stage in stages.values():
        if any(hasattr(port.operator, "decided") for port in stage.ports):
            stage.feeders = _feeders(stages, stage)
    return Plan(tuple(stages.values()), tuple(sources), pipeline.source.type, pipeline.conclude)


def _stages(streams: list[Stream], separate: set[int]) -> dict[str, StagePlan]:
    found: dict[str, Stream] = {}
    for stream in streams:
        other = found.setdefault(stream.node.name, stream)
        if other is not stream:
            raise PipelineError(
                f"Two stages are called '{stream.node.name}': '{other.node.title}' and '{stream.node.title}'.",
                "pass name=... to one of them; an aggregate that one stage reads, and that is not shown, needs none",
            )
    stages: dict[str, StagePlan] = {}
    for name, stream in found.items():
        source = stream.node.inputs[0]
        if source.node.across:
            pair = _pair(source, f"{name}_pairs", separate)
            if pair.name in found:
                raise PipelineError(
                    f"Two stages are called '{pair.name}': one pairs what '{name}' reads, a join across levels.",
                    f"pass name=... to the other one, or to '{name}'",
                )
            stages[pair.name] = pair
        stages[name] = _stage(stream, separate)
    return stages


def _stands_alone(pipeline: Pipeline, stream: Stream) -> bool:
    sources = (s.node.inputs[0] for s in pipeline.streams)
    read = [source for source in sources for joined in _joined(source) if joined is stream]
    shown = pipeline.result is stream or any(s is stream for s, _ in pipeline.published)
    return hasattr(stream.node.function, "open") or len(read) != 1 or shown or read[0].node.across


def _joined(stream: Stream) -> tuple[Stream, ...]:
    return stream.node.inputs if stream.node.kind == "join" else (stream,)


def _stage(stream: Stream, separate: set[int]) -> StagePlan:
    """The stage of a map, filter, expand, or of an aggregate that stands alone."""
    node = stream.node
    if node.kind == "aggregate":
        check_message(node.name, stream.type, "make it a message: aggregate(Into(operator, function), ...)")
        source = node.inputs[0]
        ports: tuple[Port, ...] = (
            Port(
                _producer(source, separate, node.name),
                source.type,
                source.levels,
                len(node.closes),
                node.function,
                _cuts(source),
            ),
        )
        levels, key = stream.levels, len(stream.levels)
        return StagePlan(node.name, node.kind, None, ports, key, levels, item_type=stream.type)
    check_message(node.name, stream.type)
    source = node.inputs[0]
    inputs = _joined(source)
    left = source.node.how == "left"
    if source.node.across:
        ports = tuple(Port(f"{node.name}_pairs", s.type, source.levels) for s in inputs)
    else:
        ports = tuple(_port(s, separate, node.name) for s in inputs)
    ports = tuple(replace(port, optional=left and i > 0) for i, port in enumerate(ports))
    stateful = len(inputs) > 1 or any(port.operator for port in ports)
    return StagePlan(
        node.name,
        node.kind,
        node.function,
        ports,
        len(source.levels) if stateful else None,
        source.levels,
        node.uses,
        node.prompt,
        node.concurrency,
        node.opens,
        stream.type,
        node.cut,
        node.cut is not None and has_place(stream.type),
    )


def _pair(joined: Stream, name: str, separate: set[int]) -> StagePlan:
    """The stage that pairs a join across levels, keyed at the shallower one."""
    deeper, kept = joined.node.deeper, joined.node.shared
    closes = len(deeper.levels) - kept
    ports = [_port(s, separate, name) for s in joined.node.inputs]
    at = joined.node.inputs.index(deeper)
    ports[at] = replace(ports[at], closes=closes, operator=Collect())
    return StagePlan(name, PAIR, None, tuple(ports), kept, joined.levels[:kept], item_type=deeper.type)


def _port(stream: Stream, separate: set[int], reader: str) -> Port:
    if stream.node.kind == "aggregate" and id(stream) not in separate:
        below = stream.node.inputs[0]
        closes = len(stream.node.closes)
        producer = _producer(below, separate, reader)
        cuts, openers = _cuts(below), below.openers[-closes:]
        return Port(producer, below.type, below.levels, closes, stream.node.function, cuts, openers=openers)
    return Port(_producer(stream, separate, reader), stream.type, stream.levels, cuts=_cuts(stream))


def _cuts(stream: Stream) -> tuple[Cut, ...]:
    """How the items of the expand above are cut into those of this stream."""
    node = stream.node
    if node.kind != "cut" or node.opens is None or node.cut is None:
        return ()
    return (*_cuts(node.inputs[0]), Cut(node.opens, node.cut, stream.type, has_place(stream.type)))


def _producer(stream: Stream, separate: set[int], reader: str) -> str:
    if stream.node.kind in ("cut", "source") or id(stream) in separate:
        return stream.node.name
    raise PipelineError(
        f"Stage '{reader}' reads '{stream.node.title}', which folds straight into another aggregate or join.",
        "aggregate over both levels at once, or put a map between them",
    )


def _part(stage: StagePlan, cuts: tuple[Cut, ...]) -> Part:
    """The part at the last of these cuts; each but the first cuts the pieces of the one before."""
    for cut in cuts:
        check_message(stage.name, cut.type)
    stage.parts += [Part(cut) for cut in cuts[len(stage.parts) :]]
    if any(part.cut != cut for part, cut in zip(stage.parts, cuts, strict=False)):
        raise PipelineError(
            f"Stage '{stage.name}' is cut in two ways.",
            "cut it at one level, into one type, at one quantum; and what is finer still, from there",
        )
    return stage.parts[len(cuts) - 1]


def _readers(parts: list[Part]) -> list[Target]:
    return [target for part in parts for target in part.readers]


def _check_read(stage: StagePlan) -> None:
    if stage.name != COORDINATOR and not (stage.readers or stage.published):
        raise PipelineError(
            f"Nobody reads stage '{stage.name}'.", "read its stream, publish it, or take it out of the graph"
        )


def _feeders(stages: dict[str, StagePlan], reader: StagePlan) -> tuple[str, ...]:
    """The stages that work at the levels of the reader's key, or deeper, and whose every path leads to the reader.

    What descends from a key of the reader is of use to it alone, then: also every count that says so is closed on the
    way. A stage on the way that left the key's levels, and opened others, would not be one of them.
    """
    found = [reader.name]
    for stage in reversed(stages.values()):  # readers come after what they read
        targets = {target.stage for target in stage.readers}
        shown = stage.published or stage.output is not None
        if targets and targets <= {*found} and not shown and len(stage.levels) >= len(reader.levels):
            found.append(stage.name)
    return tuple(name for name in reversed(found) if name != reader.name)


def _closers(stages: dict[str, StagePlan], targets: list[Target], depth: int) -> list[Target]:
    """Who closes the level that is the `depth`-th of the items sent to `targets`."""
    found: list[Target] = []
    for target in targets:
        stage = stages[target.stage]
        port = stage.ports[target.port]
        closers = [target] if len(port.levels) - port.closes < depth else _closers(stages, stage.readers, depth)
        found += [c for c in closers if c not in found]
    return found
