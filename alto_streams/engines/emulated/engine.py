"""The emulated engine as an adapter like the others: one instance in this process, and no model at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from secrets import randbits
from urllib.parse import parse_qsl

from alto_streams.engines.emulated.answers import KINDS, Answers, Kind, with_claims
from alto_streams.engines.emulated.clock import Clock, RealClock
from alto_streams.engines.emulated.model import Batch, Request
from alto_streams.engines.emulated.parameters import TABLE_1, Parameters
from alto_streams.engines.emulated.prefix_cache import Piece
from alto_streams.engines.protocol import EngineStatistics, Prompt, Sampling
from alto_streams.errors import SettingError

MODEL = "emulated"
SCHEME = "emulated:"
_YES_OR_NO = {"0": False, "1": True}


class EmulatedEngine:
    """Implements the Engine protocol: times by continuous batching, words by seed and prompt. It needs no server, and
    nothing runs between the calls: whoever waits for a token brings the batch up to date.

    Requests of this object share one batch. Instances that several processes share are served by
    `python -m alto_streams.engines.emulated`.
    """

    model = MODEL

    def __init__(
        self,
        seed: int = 0,
        *,
        reruns_differ: bool = False,
        parameters: Parameters = TABLE_1,
        kinds: Mapping[str, Kind] = KINDS,
        clock: Clock | None = None,
    ) -> None:
        self._answers = Answers(seed, reruns_differ, kinds)
        self._batch = Batch(parameters)
        self._clock = clock or RealClock()
        self._requests = 0

    @classmethod
    def from_url(cls, url: str, *, clock: Clock | None = None) -> EmulatedEngine:
        """The engine of `emulated:` or `emulated:?seed=7&reruns_differ=1&instant=1`. Raises SettingError.

        `claims=1.3,0.6` are mean and deviation of the claims of one request; by default the paper's, of a whole answer.
        Where reruns differ they do in other processes too, which cannot know of each other's runs: there the words are
        not a matter of the seed.
        """
        given = dict(parse_qsl(url.removeprefix(SCHEME).lstrip("/").removeprefix("?"), keep_blank_values=True))
        try:
            seed = int(given.pop("seed", "0"))
            differ, instant = (_YES_OR_NO[given.pop(name, "0")] for name in ("reruns_differ", "instant"))
            claims = given.pop("claims", None)
            kinds = KINDS if claims is None else with_claims(*map(float, claims.split(",")))
        except (ValueError, KeyError, TypeError):
            given["seed, reruns_differ, instant or claims"] = ""
        if given or not (url.startswith(SCHEME) and ("?" in url or url.rstrip("/") == SCHEME)):
            raise SettingError(
                f"ALTO_ENGINE_URL={url} is not usable: {', '.join(given) or 'the address'} is not understood.",
                "set it to emulated: or emulated:?seed=7&reruns_differ=1&instant=1&claims=3.3,1.8",
            )
        chosen = InstantEngine if instant else cls
        return chosen(randbits(64) if differ else seed, reruns_differ=differ, kinds=kinds, clock=clock)

    async def generate(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str]:
        """Yields one word at a time, or a few where the reader comes late. Closing the iterator frees its place."""
        texts, sent = self._answers.texts(prompt, sampling), 0
        request = self._submit(prompt, len(texts))
        try:
            while sent < len(texts):
                made = await self._more(request, sent)
                yield "".join(texts[sent:made])
                sent = made
        finally:
            self._leave(request)

    async def score(self, prompt: Prompt, options: Sequence[str]) -> list[float]:
        """Takes the time of one token; the log probabilities are drawn."""
        request = self._submit(prompt, 1)
        try:
            await self._more(request, 0)
        finally:
            self._leave(request)
        return self._answers.log_probabilities(prompt, options)

    async def statistics(self) -> EngineStatistics:
        """As of now; `prompt_tokens` includes those that were cached."""
        batch = self._batch
        batch.advance(self._clock.now())
        return EngineStatistics(self._requests, batch.running, batch.waiting, batch.prompt_tokens, batch.made_tokens)

    async def close(self) -> None:
        """There is nothing to close."""

    def _submit(self, prompt: Prompt, tokens: int) -> Request:
        self._requests += 1
        request = Request(pieces(prompt), tokens)
        self._batch.submit(request, self._clock.now())
        return request

    async def _more(self, request: Request, sent: int) -> int:
        """How many tokens there are, once they are more than `sent`."""
        while True:
            self._batch.advance(self._clock.now())
            if len(request.times) > sent:
                return len(request.times)
            assert self._batch.next_at is not None  # a request that has not ended keeps the batch going
            await self._clock.until(self._batch.next_at)

    def _leave(self, request: Request) -> None:
        if not request.ended:
            self._batch.cancel(request, self._clock.now())


class InstantEngine(EmulatedEngine):
    """Answers at once, with the same words: what a question then costs is the cost of everything but the engine.

    Each word is still a chunk of its own, and comes after a turn of the event loop, as an engine's would. Its
    statistics count no prompt tokens: to count them takes longer than to answer.
    """

    async def generate(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str]:
        """Yields one word at a time."""
        self._requests += 1
        for text in self._answers.texts(prompt, sampling):
            await asyncio.sleep(0)
            self._batch.made_tokens += 1
            yield text

    async def score(self, prompt: Prompt, options: Sequence[str]) -> list[float]:
        """The log probabilities are drawn, as they are where time passes."""
        self._requests += 1
        await asyncio.sleep(0)
        return self._answers.log_probabilities(prompt, options)


def pieces(prompt: Prompt) -> list[Piece]:
    """A prompt as the cache sees it: a message is a piece, a word is a token."""
    said = [Piece((message.role, message.content), len(message.content.split())) for message in prompt.messages]
    if prompt.continuation:
        said.append(Piece(("continuation", prompt.continuation), len(prompt.continuation.split())))
    return said
