"""What the emulated engine answers to which prompt: a matter of a seed and the prompt alone, or of the run as well."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from math import log
from random import Random

from alto_streams.engines.emulated.sizes import ANSWER, CLAIMS, QUERIES, Size, Sizes
from alto_streams.engines.emulated.text import listing, prose
from alto_streams.engines.protocol import Prompt, Sampling

REMEMBERED = 65_536  # prompts whose runs are counted: those of the questions in flight, many times over
OTHER_TOKENS = 0.1  # probability that the next token is none of the options


@dataclass(frozen=True, slots=True)
class Kind:
    """What a prompt asks for: how much, and who writes it from the sizes, what was asked and a random number."""

    sizes: Sizes
    write: Callable[[Sequence[int], str, Random], list[str]]


def _prose(sizes: Sequence[int], asked: str, random: Random) -> list[str]:
    return prose(sum(sizes), asked, random)


DEFAULT = "answer"
KINDS: Mapping[str, Kind] = {
    DEFAULT: Kind(ANSWER, _prose),
    "extract_claims": Kind(CLAIMS, partial(listing, stop=".")),
    "generate_queries": Kind(QUERIES, partial(listing, stop="")),
}
"""By the name of the prompt. One of another name is answered in prose."""


def with_claims(mean: float, deviation: float) -> Mapping[str, Kind]:
    """The same, but so many claims for each request, as where each sentence is asked about. Raises ValueError."""
    claims = Sizes(Size(mean, deviation), CLAIMS.words)
    return {**KINDS, "extract_claims": Kind(claims, KINDS["extract_claims"].write)}


class Answers:
    """Equal prompts have equal answers; where `reruns_differ`, each run of a prompt has others, equal again for an
    engine that starts anew with the same seed.
    """

    def __init__(self, seed: int, reruns_differ: bool, kinds: Mapping[str, Kind] = KINDS) -> None:
        self._seed, self._reruns_differ, self._kinds = seed, reruns_differ, kinds
        self._runs: OrderedDict[bytes, int] = OrderedDict()

    def texts(self, prompt: Prompt, sampling: Sampling) -> list[str]:
        """One text for each token, at least one. Grammars and temperatures change nothing."""
        random = self._random(prompt, sampling.seed)
        kind = self._kinds.get(prompt.name) or self._kinds.get(DEFAULT) or KINDS[DEFAULT]
        asked = prompt.messages[-1].content if prompt.messages else ""
        texts = kind.write(kind.sizes.draw(random), asked, random)
        return _stopped(texts[: max(sampling.max_tokens, 1)], sampling.stop)

    def log_probabilities(self, prompt: Prompt, options: Sequence[str]) -> list[float]:
        """Any share of what the options have together is as likely as any other."""
        random = self._random(prompt, None)
        shares = [random.expovariate(1) + 1e-9 for _ in options]
        return [log(share / sum(shares) * (1 - OTHER_TOKENS)) for share in shares]

    def _random(self, prompt: Prompt, seed: int | None) -> Random:
        said = [part for message in prompt.messages for part in (message.role, message.content)]
        named = "\0".join([str(self._seed), str(seed), *said, prompt.continuation])
        digest = blake2b(named.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        return Random(int.from_bytes(digest, "big") + self._run(digest))

    def _run(self, digest: bytes) -> int:
        if not self._reruns_differ:
            return 0
        run = self._runs.pop(digest, -1) + 1
        self._runs[digest] = run
        if len(self._runs) > REMEMBERED:
            self._runs.popitem(last=False)
        return run


def _stopped(texts: list[str], stops: Sequence[str]) -> list[str]:
    """Without the first stop sequence and what follows it."""
    whole = "".join(texts)
    end = min((at for stop in stops if stop and (at := whole.find(stop)) >= 0), default=len(whole))
    kept: list[str] = []
    for text in texts:
        if end <= 0 and kept:
            break
        kept.append(text[: max(end, 0)])
        end -= len(text)
    return kept
