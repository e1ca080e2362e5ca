"""What the function of an explicit stage holds in its hands: `read` and `write`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from alto_streams.effects import Effect

if TYPE_CHECKING:
    from alto_streams.explicit.execution import ExplicitRun

T = TypeVar("T")
Put = Callable[[list[Effect]], Awaitable[None]]
Wait = Callable[[], Awaitable[None]]


class Message(NamedTuple, Generic[T]):
    """One record, as its reader sees it: the queue it came by, the id that its writer gave it, and its value."""

    queue: str
    id: str
    value: T


class Read(AsyncIterator[Message[T]]):
    """`async for message in read`: the records of one set as they arrive, each once.

    A stage without a key is called for each record, and reads that one. A stage with a key is called for each set: it
    reads until it knows that nothing is missing, and returns (or calls `complete` and goes on writing).
    """

    def __init__(self, run: ExplicitRun, wait: Wait) -> None:
        self._run, self._wait = run, wait

    async def __anext__(self) -> Message[T]:
        while self._run.starved:
            if self._run.over:
                raise StopAsyncIteration
            await self._wait()
        return self._run.next()

    @property
    def ids(self) -> tuple[str, ...]:
        """The constraint that the records of the set share, the question first; empty in a stage without a key."""
        return self._run.ids

    def complete(self) -> None:
        """Nothing more belongs to the set: what is written from now on, and was before, leaves at once."""
        self._run.complete()


class Write:
    """`await write(queue, obj, id, constraints=[...])` sends a message to the stage that reads the queue.

    `id` is unique among what one call of the function writes to the queue. `constraints` lists the ids that the queue's
    key names: the question's, then those of ancestors. Records of equal lists reach one instance; a queue without a key
    takes none. What a stage with a key writes waits until its set is complete. Raises InvalidInput, which fails the
    question, where the queue, the type, the id or the constraint is not what the pipeline declares.
    """

    def __init__(self, run: ExplicitRun, put: Put) -> None:
        self._run, self._put = run, put

    async def __call__(self, queue: str, obj: Any, id: str | int, constraints: Sequence[str | int] = ()) -> None:
        await self._put(self._run.written(queue, obj, str(id), tuple(map(str, constraints))))
