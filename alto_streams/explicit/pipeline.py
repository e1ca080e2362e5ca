"""ALTO's own interface: queues, and stages that read and write them with constraints given by hand.

It is lowered to the plan that a graph is lowered to, so everything that runs, shows or deploys a pipeline takes it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from alto_streams.effects import Channel
from alto_streams.errors import PipelineError
from alto_streams.explicit.plan import EXPLICIT, OUTCOME, QUESTIONS, ExplicitStage, Outlet, Queue
from alto_streams.failure import Failure
from alto_streams.operators import Collect
from alto_streams.pipeline import LANGUAGE_MODEL, Node, Pipeline, Stream
from alto_streams.plan import COORDINATOR, Plan, Port, StagePlan, Target
from alto_streams.signatures import name_of

if TYPE_CHECKING:
    from alto_streams.engines.protocol import Prompt

QUESTION = "question"  # what the first id of every constraint names


@dataclass(frozen=True)
class _Declared:
    name: str
    function: Callable[..., Any]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    uses: str | None
    prompt: Prompt | None
    concurrency: int


class ExplicitPipeline(Pipeline):
    """Queues and stages. The question enters by the queue `questions`; what is written to `outcome` ends it.

    `outcome` is the type of that message, and `conclude(question_id, items, failure)` makes the final record: `items`
    holds the one message, or none where the question failed before.
    """

    def __init__(self, name: str, *, source: Any, outcome: Any, conclude: Callable[..., Any]) -> None:
        super().__init__(name, source=source)
        self.conclude = conclude
        self.queues: dict[str, Queue] = {
            QUESTIONS: Queue(QUESTIONS, source),
            OUTCOME: Queue(OUTCOME, outcome, (QUESTION,)),
        }
        self._declared: dict[str, _Declared] = {}

    def queue(self, name: str, type: Any, *, key: Sequence[str] = ()) -> None:
        """An inbox of one stage. `key` names the ids that each constraint lists, `question` first.

        Without a key, any instance of the stage may take a record.
        """
        key = (key,) if isinstance(key, str) else tuple(key)
        if key and key[0] != QUESTION:
            raise PipelineError(
                f"Queue '{name}' has a key that begins with '{key[0]}', but a set belongs to one question.",
                f"begin with it: key=('{QUESTION}', ...)",
            )
        self._add_queue(Queue(name, type, key))

    def progress_queue(self, name: str, type: Any) -> None:
        """What is written here appears on the progress topic, under the queue's name as its type."""
        self._add_client(name, type, "progress")

    def output_queue(self, name: str, type: Any) -> None:
        """What is written here appears on the output topic, under the queue's name as its type."""
        self._add_client(name, type, "output")

    def stage(
        self,
        function: Callable[..., Any],
        *,
        reads: str | Sequence[str],
        writes: str | Sequence[str],
        name: str = "",
        uses: str | None = None,
        prompt: Prompt | None = None,
        concurrency: int = 0,
    ) -> None:
        """`function(read, write, ctx)` is called for each record of the queues in `reads`, or for each set by their key."""
        name = name or name_of(function)
        if re.fullmatch(r"[A-Za-z0-9_-]+", name) is None or name in (COORDINATOR, *self._declared):
            raise PipelineError(f"'{name}' cannot name another stage of '{self.name}'.", "pass another name=...")
        if uses not in (None, LANGUAGE_MODEL):
            raise PipelineError(f"Stage '{name}' uses pool '{uses}', which does not exist.", 'write uses="lm"')
        call = function if inspect.isfunction(function) else type(function).__call__
        takes = [one for one in inspect.signature(call).parameters if one != "self"]
        if not inspect.iscoroutinefunction(call) or len(takes) != 3:
            raise PipelineError(f"Stage '{name}' cannot be called.", f"write async def {name}(read, write, ctx): ...")
        reads, writes = _names(reads), _names(writes)
        if not reads:
            raise PipelineError(f"Stage '{name}' reads no queue.", "give it one: reads=...")
        slots = concurrency or (8 if uses else 1)
        self._declared[name] = _Declared(name, function, reads, writes, uses, prompt, slots)

    def _add(self, stream: Stream) -> Stream:
        raise PipelineError(
            f"Stage '{stream.node.name}' is a step of a graph, but '{self.name}' is an explicit pipeline.",
            "declare queues and stages, or build a Pipeline",
        )

    def output(self, stream: Stream, type: str, *, conclude: Callable[..., Any]) -> None:
        raise PipelineError(f"Pipeline '{self.name}' has queues.", f"write to '{OUTCOME}', or to an output_queue")

    def publish(self, stream: Stream, type: str) -> None:
        raise PipelineError(f"Pipeline '{self.name}' has queues.", "write to a progress_queue")

    def _add_queue(self, queue: Queue) -> None:
        if re.fullmatch(r"[A-Za-z0-9_-]+", queue.name) is None or queue.name in (*self.queues, "source"):
            raise PipelineError(
                f"'{queue.name}' cannot name another queue of '{self.name}'.", "give it a name of its own"
            )
        self.queues[queue.name] = queue

    def _add_client(self, name: str, type: Any, channel: Channel) -> None:
        self._add_queue(Queue(name, type, channel=channel))
        # Told to whoever decodes what was published.
        self.published.append((Stream(self, Node("queue", name, ()), (), type), name))

    @cached_property
    def plan(self) -> Plan:
        """The stages to deploy. Raises PipelineError where the queues and stages do not fit together."""
        self._check_queues()
        self._check_conclude()
        readers = {queue: (stage, port) for stage in self._declared.values() for port, queue in enumerate(stage.reads)}
        readers[OUTCOME] = (_COORDINATOR, 1)
        stages = [self._lowered(stage, readers) for stage in self._declared.values()]
        first, port = readers[QUESTIONS]
        ports = (
            Port("source", self.source.type, ()),
            Port(OUTCOME, self.queues[OUTCOME].type, (OUTCOME,), 1, Collect()),
        )
        coordinator = StagePlan(COORDINATOR, COORDINATOR, None, ports, key_depth=0, levels=())
        depth = next(stage.key_depth for stage in stages if stage.name == first.name)
        sources = (Target(first.name, port, depth), Target(COORDINATOR, 0, 0))
        assert self.conclude is not None
        return Plan((*stages, coordinator), sources, self.source.type, self.conclude)

    def _lowered(self, stage: _Declared, readers: dict[str, tuple[_Declared, int]]) -> ExplicitStage:
        key = self._key(stage)
        outlets: dict[str, Outlet] = {}
        items: list[Target] = []
        for name in stage.writes:
            queue = self.queues[name]
            outlets[name] = Outlet(queue)
            if queue.channel is None:
                reader, port = readers[name]
                outlets[name] = Outlet(queue, reader.name, port)
                items.append(Target(reader.name, port, len(queue.key) - 1 if queue.key else None))
        return ExplicitStage(
            stage.name,
            EXPLICIT,
            stage.function,
            tuple(
                Port("source" if name == QUESTIONS else name, self.queues[name].type, key[1:]) for name in stage.reads
            ),
            len(key) - 1 if key else None,
            key[1:],
            stage.uses,
            stage.prompt,
            stage.concurrency,
            items=items,
            outlets=outlets,
        )

    def _key(self, stage: _Declared) -> tuple[str, ...]:
        """Questions come together with the records of their own sets, or one by one."""
        keys = {self.queues[name].key for name in stage.reads if name != QUESTIONS} or {()}
        if QUESTIONS in stage.reads and keys != {()}:
            keys.add((QUESTION,))
        if len(keys) > 1:
            raise PipelineError(
                f"Stage '{stage.name}' reads queues of different keys: {', '.join(map(_list, sorted(keys)))}.",
                "give them one key, since the records of a set come together by it",
            )
        return keys.pop()

    def _check_queues(self) -> None:
        for verb, queues in (("reads", _reads), ("writes", _writes)):
            for stage in self._declared.values():
                for name in queues(stage):
                    if name not in self.queues:
                        known = ", ".join(self.queues)
                        raise PipelineError(f"Stage '{stage.name}' {verb} '{name}', which is no queue.", f"use {known}")
        for name, queue in self.queues.items():
            readers = [stage.name for stage in self._declared.values() if name in stage.reads]
            writers = [stage.name for stage in self._declared.values() if name in stage.writes]
            if len(readers) > 1:
                raise PipelineError(
                    f"Stages '{readers[0]}' and '{readers[1]}' both read '{name}'.", "write twice, to a queue of each"
                )
            outside = name == OUTCOME or queue.channel is not None
            if readers and outside:
                raise PipelineError(
                    f"Stage '{readers[0]}' reads '{name}', which the client reads.", "use another queue"
                )
            if not readers and not outside:
                raise PipelineError(f"Nobody reads queue '{name}'.", "let a stage read it, or take it out")
            if writers and name == QUESTIONS:
                raise PipelineError(
                    f"Stage '{writers[0]}' writes '{name}', where questions enter.", "use another queue"
                )
            if not writers and name != QUESTIONS:
                raise PipelineError(f"Nobody writes queue '{name}'.", "let a stage write it, or take it out")

    def _check_conclude(self) -> None:
        """Better now than at the first question that fails."""
        try:
            assert self.conclude is not None
            self.conclude("question", [], Failure(COORDINATOR, "check", "Would this be told?"))
        except Exception as error:
            raise PipelineError(
                f"The outcome of pipeline '{self.name}' cannot say that a question failed: {error!r}.",
                "let conclude(question_id, items, failure) take no items and a failure (stage, kind, message)",
            ) from error


_COORDINATOR = _Declared(COORDINATOR, lambda: None, (), (), None, None, 1)


def _reads(stage: _Declared) -> tuple[str, ...]:
    return stage.reads


def _writes(stage: _Declared) -> tuple[str, ...]:
    return stage.writes


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _list(key: tuple[str, ...]) -> str:
    return f"[{', '.join(key)}]" if key else "none"
