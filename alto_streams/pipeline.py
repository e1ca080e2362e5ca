"""A pipeline as data: a graph of stages, with the levels of ancestry that each stream carries.

Building it checks it: an impossible graph raises PipelineError with the stage and the mend. Nothing runs here; `plan`
turns the graph into the stages that are deployed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alto_streams.errors import AltoError, PipelineError
from alto_streams.operators import Operator
from alto_streams.quanta import QuantumError, check_finer, quantum
from alto_streams.signatures import Signature, name_of, result_of, signature

if TYPE_CHECKING:
    from alto_streams.engines.protocol import Prompt
    from alto_streams.plan import Plan

LANGUAGE_MODEL = "lm"  # the pool that stages with uses="lm" share
WHERE = "set ALTO_PIPELINE to module:attribute, or to a pipeline.yaml"
POOLED = 8  # records that an instance works on at once where it mostly waits for a pool


@dataclass(frozen=True, eq=False)
class Node:
    """One operator of the graph. `kind` is source, map, expand, filter, aggregate, join or cut."""

    kind: str
    name: str
    inputs: tuple[Stream, ...]
    function: Any = None
    opens: str | None = None
    closes: tuple[str, ...] = ()
    cut: str | None = None  # of an expand: how its text is cut into items
    uses: str | None = None
    concurrency: int = 1
    prompt: Prompt | None = None
    how: str = "inner"  # of a join
    unnamed: bool = False  # an aggregate called after its operator, as others may be, until it has to be deployed

    @property
    def title(self) -> str:
        """For people. An aggregate without a name of its own says what it folds, to be told from its like."""
        return f"{self.name} of {self.inputs[0].node.title}" if self.unnamed else self.name

    @property
    def deeper(self) -> Stream:
        """Of a join: a stream with all of its levels."""
        return max(self.inputs, key=lambda stream: len(stream.levels))

    @property
    def shared(self) -> int:
        """Of a join: how many levels all of its streams have."""
        return min(len(stream.levels) for stream in self.inputs)

    @property
    def across(self) -> bool:
        """Whether it is a join across levels."""
        return self.kind == "join" and self.shared < len(self.deeper.levels)


@dataclass(frozen=True, eq=False)
class Stream:
    """What a node emits: items of `type`, each with one index for every level in `levels`."""

    pipeline: Pipeline
    node: Node
    levels: tuple[str, ...]
    type: Any  # a message class, or None where a function does not say

    @property
    def openers(self) -> tuple[str, ...]:
        """Who opened each of the levels: two stages may call theirs the same. A join across levels opens them again."""
        if not self.node.inputs:
            return ()
        if self.node.kind == "join":
            above = self.node.deeper.openers
            return (*above[: self.node.shared], *[self.node.name for _ in above[self.node.shared :]])
        above = self.node.inputs[0].openers
        return (*above, self.node.name)[-len(self.levels) :] if self.node.opens else above[: len(self.levels)]

    def map(
        self,
        function: Callable[..., Any],
        *,
        name: str = "",
        uses: str | None = None,
        prompt: Prompt | None = None,
        concurrency: int = 0,
    ) -> Stream:
        """One output for each input; `None` drops the item, which still counts towards completion."""
        return self._apply("map", function, name, uses, prompt, concurrency, self.levels)

    def filter(
        self, predicate: Callable[..., Any], *, name: str = "", uses: str | None = None, concurrency: int = 0
    ) -> Stream:
        """Keeps the items for which the function returns true; a dropped one still counts towards completion."""
        if self.node.kind == "join":
            raise PipelineError(
                f"Stage '{name or name_of(predicate)}' filters a join, whose items are not one message.",
                "map the joined items into one message first, or return None from that map to drop it",
            )
        return self._apply("filter", predicate, name, uses, None, concurrency, self.levels, item=self.type)

    def expand(
        self,
        function: Callable[..., Any],
        level: str,
        *,
        cut: str | None = None,
        item: Any = None,
        name: str = "",
        uses: str | None = None,
        prompt: Prompt | None = None,
        concurrency: int = 0,
    ) -> Stream:
        """Any number of outputs for each input; opens a level of ancestry named `level`.

        `prompt` is the constant beginning of what the stage asks its engine: computed once, it is there when questions
        come. With `cut="lines"`, or another quantum of `docs/quanta.md`, the function yields raw text as it comes, and
        each line becomes one `item(text=line)`.
        """
        stage = name or name_of(function)
        if level in self.levels:
            raise PipelineError(
                f"Stage '{stage}' opens level '{level}', which its input already has ({_list(self.levels)}).",
                "give the new level another name",
            )
        if (cut is None) != (item is None):
            raise PipelineError(f"Stage '{stage}' sets only one of cut and item.", "set both, or neither")
        cut = None if cut is None else _known(cut, stage)
        return self._apply("expand", function, name, uses, prompt, concurrency, (*self.levels, level), level, cut, item)

    def cut(self, level: str, at: str, *, item: Any) -> Stream:
        """The items of a `cut` expand one level finer: each word, say, sent while its sentence is still being written.

        `at` is a quantum that is finer than the one the items are cut at (`docs/quanta.md`). What is cut may be cut
        again: paragraphs into sentences, and these into words.
        """
        if self.node.cut is None:
            raise PipelineError(
                f"Stage '{self.node.name}' emits whole messages, so its items cannot be cut at '{at}'.",
                'let it yield text, with expand(..., cut="lines", item=...)',
            )
        if level in self.levels:
            raise PipelineError(
                f"The cut of '{self.node.name}' opens level '{level}', which is open there ({_list(self.levels)}).",
                "give the finer level another name",
            )
        at = _known(at, self.node.name)
        try:
            check_finer(self.node.cut, at)
        except QuantumError as error:
            raise PipelineError(f"Stage '{self.node.name}': {error.message}", error.mend) from None
        node = Node("cut", f"{self.node.name}.{level}", (self,), item, opens=level, cut=at)
        return Stream(self.pipeline, node, (*self.levels, level), item)

    def aggregate(self, operator: Operator, over: str | tuple[str, ...] = (), *, name: str = "") -> Stream:
        """Folds all items of the innermost level (or of the levels in `over`) into one, and closes those levels.

        It needs a `name` only where it becomes a stage of its own, and another one is called after its operator too.
        """
        unnamed, name = not name, name or name_of(operator)
        if isinstance(operator, type) or not isinstance(operator, Operator):
            raise PipelineError(
                f"Stage '{name}' aggregates with {operator!r}, which is no operator.",
                "give an operator such as Collect(), or an object with initial(), add(state, item) and result(state)",
            )
        closes = (over,) if isinstance(over, str) else tuple(over) or self.levels[-1:]
        for level in closes:
            if level not in self.levels:
                closer = _closer(self, level)
                if closer is not None:
                    raise PipelineError(
                        f"Stage '{name}' closes level '{level}', which '{closer.title}' has closed before it.",
                        "aggregate over each level once, or open another one between the two",
                    )
                raise PipelineError(
                    f"Stage '{name}' aggregates over level '{level}', but its input has only {_list(self.levels)}.",
                    f"open '{level}' with an expand before it, or aggregate over another level",
                )
        if not closes:
            raise PipelineError(f"Stage '{name}' aggregates, but no level is open there.", "put an expand before it")
        kept = self.levels[: len(self.levels) - len(closes)]
        if set(self.levels[len(kept) :]) != set(closes):
            raise PipelineError(
                f"Stage '{name}' closes {_list(closes)} and would leave deeper levels open ({_list(self.levels)}).",
                "close the innermost levels, all of them down to the outermost that you name",
            )
        if len(closes) > 1 and not hasattr(operator, "merge"):
            raise PipelineError(
                f"Stage '{name}' aggregates over {len(closes)} levels, but its operator has no merge(a, b).",
                "give the operator a merge, or aggregate one level at a time",
            )
        result = result_of(name, operator, self.type)
        node = Node("aggregate", name, (self,), operator, closes=closes, unnamed=unnamed)
        return self.pipeline._add(Stream(self.pipeline, node, kept, result))

    def _apply(
        self,
        kind: str,
        function: Callable[..., Any],
        name: str,
        uses: str | None,
        prompt: Prompt | None,
        concurrency: int,
        levels: tuple[str, ...],
        opens: str | None = None,
        cut: str | None = None,
        item: Any = None,
    ) -> Stream:
        name = name or name_of(function)
        if uses not in (None, LANGUAGE_MODEL):
            raise PipelineError(f"Stage '{name}' uses pool '{uses}', which does not exist.", 'write uses="lm"')
        said: Signature = signature(function)
        inputs = self.node.inputs if self.node.kind == "join" else (self,)
        may_lack = tuple(stream.node.title for stream in inputs[1:]) if self.node.how == "left" else ()
        said.accept(name, tuple(stream.type for stream in inputs), may_lack)
        said.yields_if(name, kind == "expand")
        node = Node(kind, name, (self,), function, opens, (), cut, uses, concurrency or (POOLED if uses else 1), prompt)
        emits = self.type if kind == "filter" else item or said.result
        return self.pipeline._add(Stream(self.pipeline, node, levels, emits))


def join(*streams: Stream, how: str = "inner") -> Stream:
    """Pairs items of equal ancestry: the next `map` or `expand` gets one argument for each stream.

    Where an item of any stream was dropped, the inner join drops its partners too. With `how="left"` the items of the
    first stream decide: each is handed on, with None for every partner that was dropped.
    """
    if len(streams) < 2:
        raise PipelineError("A join needs at least two streams.", "join(a, b)")
    if how not in ("inner", "left"):
        raise PipelineError(
            f"A join cannot be '{how}'.", "write how='inner' or how='left'; a right join is a left one, turned round"
        )
    node = Node("join", " + ".join(stream.node.title for stream in streams), streams, how=how)
    for other in streams:
        _check_meet(node, other)
    if node.across:
        _check_across(node)
    return Stream(streams[0].pipeline, node, node.deeper.levels, None)


def _check_meet(node: Node, other: Stream) -> None:
    deeper = node.deeper
    if other.pipeline is not deeper.pipeline:
        raise PipelineError(f"The join of {node.name} pairs streams of two pipelines.", "build one pipeline")
    if other.levels != deeper.levels[: len(other.levels)]:
        raise PipelineError(
            f"The join of {node.name} pairs levels that never meet: {_list(deeper.levels)} with {_list(other.levels)}.",
            "aggregate both down to levels that they share",
        )
    for level, one, two in zip(other.levels, deeper.openers, other.openers, strict=False):
        if one != two:
            raise PipelineError(
                f"The join of {node.name} pairs levels that never meet: '{one}' and '{two}' open one '{level}' each.",
                "give the two levels names of their own, and aggregate each before the join",
            )


def _check_across(node: Node) -> None:
    deeper = [stream for stream in node.inputs if len(stream.levels) > node.shared]
    if len(deeper) > 1:
        raise PipelineError(
            f"The join of {node.name} pairs {len(deeper)} streams with the items of their ancestors.",
            "join those of equal levels first, map the pairs into one message, and join that with the rest",
        )
    if node.how == "left" and node.inputs[0] is not deeper[0]:
        raise PipelineError(
            f"The left join of {node.name} begins with a stream that lacks {_list(node.deeper.levels[node.shared :])}.",
            f"put '{deeper[0].node.title}' first: it is its items that are handed on",
        )


class Pipeline:
    """A named graph that starts at `source`. `output` closes it."""

    def __init__(self, name: str, *, source: Any) -> None:
        if not name.replace("-", "").replace("_", "").isalnum():
            raise PipelineError(f"'{name}' cannot name a pipeline.", "use letters, digits, - and _")
        self.name = name
        self.streams: list[Stream] = []
        self.published: list[tuple[Stream, str]] = []
        self.early: list[tuple[Stream, str]] = []  # those of them that are shown before their scopes close
        self.result: Stream | None = None
        self.result_type = ""
        self.conclude: Callable[..., Any] | None = None
        self.source = Stream(self, Node("source", "source", ()), (), source)

    def publish(self, stream: Stream, type: str, *, early: bool = False) -> None:
        """Shows the items of a stream to whoever asked, on the progress topic, under this type.

        With `early`, for an aggregate whose operator has early results, also each of them that differs from the last.
        """
        self._check_emitted(stream)
        if early and not hasattr(stream.node.function, "early"):
            raise PipelineError(
                f"'{stream.node.name}' of pipeline '{self.name}' has no early results to publish.",
                "publish it without early=True, or aggregate with an operator that has early(state), such as TopK",
            )
        self.published.append((stream, type))
        if early:
            self.early.append((stream, type))

    def output(self, stream: Stream, type: str, *, conclude: Callable[..., Any]) -> None:
        """Sends a stream to the output topic, and ends each question when all of its items have come.

        Where no level is open, that is one item, or none where it was dropped.
        `conclude(question_id, items, failure)` makes the final record; `failure` is None, or has stage, kind, message.
        """
        if self.result is not None:
            raise PipelineError(f"Pipeline '{self.name}' has two outputs.", "call output once")
        self._check_emitted(stream)
        self.result, self.result_type, self.conclude = stream, type, conclude

    def _check_emitted(self, stream: Stream) -> None:
        if stream.pipeline is not self:
            raise PipelineError(
                f"'{stream.node.name}' belongs to pipeline '{stream.pipeline.name}', not to '{self.name}'.",
                "publish and output streams of this pipeline",
            )
        if stream.node.kind in ("source", "join", "cut"):
            raise PipelineError(
                f"'{stream.node.name}' of pipeline '{self.name}' is what a stage reads, not what one emits.",
                "publish or output the items of a map, filter, expand or aggregate",
            )

    def _add(self, stream: Stream) -> Stream:
        name = stream.node.name
        if re.fullmatch(r"[A-Za-z0-9_-]+", name) is None:
            raise PipelineError(
                f"'{name}' cannot name a stage of pipeline '{self.name}'.",
                "use letters, digits, - and _; pass name=... where the function has no such name",
            )
        named = {other.node.name for other in self.streams if not other.node.unnamed}
        if name in ("coordinator", "source") or (name in named and not stream.node.unnamed):
            raise PipelineError(f"Two stages are called '{name}'.", "pass name=... to one of them")
        self.streams.append(stream)
        return stream

    @cached_property
    def plan(self) -> Plan:
        """The stages to deploy. Raises PipelineError where the graph is not whole."""
        from alto_streams.plan import make_plan

        return make_plan(self)


def _closer(stream: Stream, level: str) -> Node | None:
    """Who closed a level on the way to a stream."""
    if level in stream.node.closes:
        return stream.node
    return next((found for above in stream.node.inputs if (found := _closer(above, level)) is not None), None)


def _known(quantum_name: str, stage: str) -> str:
    """Raises PipelineError where there is no such quantum."""
    try:
        return quantum(quantum_name)
    except QuantumError as error:
        raise PipelineError(f"Stage '{stage}' cuts at '{quantum_name}', which is not known.", error.mend) from None


def load(target: str) -> Pipeline:
    """The pipeline at `module:attribute`, or in a pipeline.yaml. Raises PipelineError, or for a file SettingError."""
    from alto_streams.settings import PIPELINE_FILES

    if target.endswith(PIPELINE_FILES):
        from alto_streams.deployment import load_pipeline

        return load_pipeline(Path(target))
    module_name, _, attribute = target.partition(":")
    here = str(Path.cwd())
    if "" not in sys.path and here not in sys.path:  # the command `alto` has not got it, unlike `python -m`
        sys.path.insert(0, here)
    try:
        found = getattr(import_module(module_name), attribute)
    except AltoError:
        raise  # the module is there, and its graph is wrong
    except (ImportError, AttributeError, ValueError) as error:
        raise PipelineError(f"No pipeline at '{target}': {error}.", WHERE) from error
    except Exception as error:
        said = f"{type(error).__name__}: {error}".rstrip(".")
        raise PipelineError(f"The pipeline at '{target}' cannot be imported: {said}.", "mend that module") from error
    if not isinstance(found, Pipeline):
        raise PipelineError(f"'{target}' is not a Pipeline.", WHERE)
    return found


def _list(levels: tuple[str, ...]) -> str:
    return ", ".join(f"'{level}'" for level in levels) or "none"
