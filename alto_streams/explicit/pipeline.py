"""ALTO's own interface: queues, and stages that read and write them with constraints given by hand.

It is lowered to the plan that a graph is lowered to, so everything that runs, shows or deploys a pipeline takes it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from alto_streams.effects import Channel
from alto_streams.errors import PipelineError
from alto_streams.explicit.lowering import lower
from alto_streams.explicit.plan import OUTCOME, QUESTION, QUESTIONS, Declared, Queue
from alto_streams.pipeline import LANGUAGE_MODEL, Node, Pipeline, Stream
from alto_streams.plan import COORDINATOR, Plan
from alto_streams.signatures import name_of

if TYPE_CHECKING:
    from alto_streams.engines.protocol import Prompt


class ExplicitPipeline(Pipeline):
    """Queues and stages. The question enters by the queue `questions`; what is written to `outcome` ends it.

    `outcome` is the type of that message, and `conclude(question_id, items, failure)` makes the final record: `items`
    holds the one message, or none where the question failed before.
    """

    def __init__(self, name: str, *, source: Any, outcome: Any, conclude: Callable[..., Any]) -> None:
        super().__init__(name, source=source)
        self.conclude, self.result_type = conclude, "result"
        self.queues: dict[str, Queue] = {
            QUESTIONS: Queue(QUESTIONS, source),
            OUTCOME: Queue(OUTCOME, outcome, (QUESTION,)),
        }
        self.declared: dict[str, Declared] = {}

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
        self.result_type = name

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
        """`function(read, write, ctx)` is called for each record of the queues in `reads`, or, by their key, each set.

        With `uses="lm"`, `ctx.engine` is the language model, and `prompt` the constant beginning of what it is asked.
        """
        name = name or name_of(function)
        if re.fullmatch(r"[A-Za-z0-9_-]+", name) is None or name in (COORDINATOR, *self.declared):
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
        self.declared[name] = Declared(name, function, reads, writes, uses, prompt, slots)

    def _add(self, stream: Stream) -> Stream:
        raise PipelineError(
            f"Stage '{stream.node.name}' is a step of a graph, but '{self.name}' is an explicit pipeline.",
            "declare queues and stages, or build a Pipeline",
        )

    def output(self, stream: Stream, type: str, *, conclude: Callable[..., Any]) -> None:
        raise PipelineError(f"Pipeline '{self.name}' has queues.", f"write to '{OUTCOME}', or to an output_queue")

    def publish(self, stream: Stream, type: str, *, early: bool = False) -> None:
        raise PipelineError(f"Pipeline '{self.name}' has queues.", "write to a progress_queue")

    def _add_queue(self, queue: Queue) -> None:
        if re.fullmatch(r"[A-Za-z0-9_-]+", queue.name) is None or queue.name in (*self.queues, "source"):
            raise PipelineError(
                f"'{queue.name}' cannot name another queue of '{self.name}'.", "give it a name of its own"
            )
        if queue.type is not bytes and not hasattr(queue.type, "FromString"):
            raise PipelineError(
                f"Queue '{queue.name}' takes {getattr(queue.type, '__name__', queue.type)}, which is no message.",
                "let it take a Protobuf message, or bytes",
            )
        self.queues[queue.name] = queue

    def _add_client(self, name: str, type: Any, channel: Channel) -> None:
        self._add_queue(Queue(name, type, channel=channel))
        # Told to whoever decodes what was published.
        self.published.append((Stream(self, Node("queue", name, ()), (), type), name))

    @cached_property
    def plan(self) -> Plan:
        """The stages to deploy. Raises PipelineError where the queues and stages do not fit together."""
        return lower(self)


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
