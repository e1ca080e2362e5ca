"""The emulated engine's arithmetic: continuous batching on one instance, as events in a time that is an argument.

The instance works in steps, one after the other, as long as there is work. A step reads the prompts of the requests
that it admits, and makes one token for each request that runs; a request that comes meanwhile waits for its end. Cost:
O(running requests) a step. No clock, no random number, no event loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from alto_streams.engines.emulated.parameters import TABLE_1, Parameters
from alto_streams.engines.emulated.prefix_cache import Piece, PrefixCache


@dataclass(eq=False, slots=True)
class Request:
    """A prompt to read and `tokens` tokens to make; `times` says when each was there, in seconds."""

    prompt: Sequence[Piece]
    tokens: int
    times: list[float] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        return len(self.times) == self.tokens


class Batch:
    """One instance. The time of each call, in seconds, must not be before that of the call before."""

    def __init__(self, parameters: Parameters = TABLE_1) -> None:
        self.parameters = parameters
        self.cache = PrefixCache(parameters.cache_tokens)
        self.next_at: float | None = None
        """When the present step ends; None where there is nothing to do."""
        self.prompt_tokens = 0
        self.cached_tokens = 0
        self.made_tokens = 0
        self._waiting: deque[Request] = deque()
        self._running: dict[Request, None] = {}

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def submit(self, request: Request, now: float) -> None:
        """Queues a request; it begins with the next step, or later where the batch is full."""
        self.advance(now)
        self._waiting.append(request)
        if self.next_at is None:
            self._begin(now)

    def cancel(self, request: Request, now: float) -> None:
        """Takes the request out, wherever it is: its place is free for the next step."""
        self.advance(now)
        if request in self._running:
            del self._running[request]
        elif request in self._waiting:
            self._waiting.remove(request)

    def advance(self, now: float) -> None:
        """Lets everything happen that happens until `now`."""
        while self.next_at is not None and self.next_at <= now:
            end = self.next_at
            self._end(end)
            self._begin(end)

    def _begin(self, now: float) -> None:
        decoding, admitted, prefill = len(self._running), 0, 0
        while self._waiting and len(self._running) < self.parameters.max_batch:
            request = self._waiting.popleft()
            self._running[request] = None
            whole, missing = sum(piece.tokens for piece in request.prompt), self.cache.take(request.prompt)
            self.prompt_tokens += whole
            self.cached_tokens += max(whole - missing, 0)
            admitted += 1
            prefill += missing
        self.next_at = now + self.parameters.step_s(decoding, admitted, prefill) if self._running else None

    def _end(self, now: float) -> None:
        ended = []
        for request in self._running:
            request.times.append(now)
            if request.ended:
                ended.append(request)
        self.made_tokens += len(self._running)
        for request in ended:
            del self._running[request]
