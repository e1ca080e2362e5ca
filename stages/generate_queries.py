"""Stage 3, search query generation: a claim to the raw text of its queries, one a line, as the engine streams it.

The framework cuts the text twice: into lines for the query encoder, into words for BM25.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from alto_streams.context import Context
from alto_streams.engines.protocol import Prompt, Sampling
from schemas.claim_pb2 import Claim
from stages.query_grammar import MAX_QUERIES, query_grammar, terms

SYSTEM = (
    "Write one or two short web search queries that would find a page to check the claim. One query on each line, "
    "two to six words, no full sentences."
)
EXAMPLES = (
    (
        "Ada Lovelace worked with Charles Babbage on the Analytical Engine.",
        "Ada Lovelace worked Charles Babbage\nAda Lovelace Analytical Engine",
    ),
    (
        "Lake Titicaca is the largest lake in South America by volume.",
        "Lake Titicaca volume\nlargest lake South America",
    ),
    ("Basalt is a dark volcanic rock.", "Basalt dark volcanic rock"),
)
MAX_TOKENS = 80
QUERIES_PROMPT = Prompt.few_shot(
    "generate_queries", SYSTEM, [(f"Claim: {claim}", queries) for claim, queries in EXAMPLES]
)


def prompt(claim: str) -> Prompt:
    """The chat whose continuation lists the claim's queries."""
    return QUERIES_PROMPT.ask(f"Claim: {claim}")


class NewLines:
    """Passes streamed text on, but drops lines that were there before, and ends after a number of lines.

    A line is held back only while it could still become an earlier one, so the first line is never delayed.

    >>> lines = NewLines(3)
    >>> lines.feed("red fox\\nre"), lines.feed("d wolf\\nred fox"), lines.end()
    ('red fox', '\\nred wolf', '')
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = ""
        self._line = ""
        self._lines: list[str] = []
        self.over = False
        """Whether nothing more will be passed on."""

    def feed(self, text: str) -> str:
        passed = ""
        *whole, rest = text.split("\n")
        for part in whole:
            passed += self._add(part) + self._close()
        return passed + self._add(rest)

    def end(self) -> str:
        """What was held back and is new after all."""
        return self._close()

    def _add(self, part: str) -> str:
        if self.over:
            return ""
        self._held += part
        self._line += part
        line = _normal(self._line)
        if not line or any(earlier.startswith(line) for earlier in self._lines):
            return ""
        return self._release()

    def _close(self) -> str:
        if self.over:
            return ""
        line = _normal(self._line)
        repeated = line in self._lines
        passed = self._release() if line and not repeated else ""
        if line and not repeated:
            self._lines.append(line)
        self.over = repeated or len(self._lines) == self._limit
        self._line = self._held = ""
        return passed

    def _release(self) -> str:
        # The newline goes before the line, once something of it is known to be new.
        fresh = self._held == self._line
        held, self._held = self._held, ""
        return ("\n" if fresh and self._lines else "") + held


async def generate_queries(claim: Claim, ctx: Context) -> AsyncIterator[str]:
    """One to three different queries; the claim's own content words where the model yields nothing."""
    lines = NewLines(MAX_QUERIES)
    sampling = Sampling(max_tokens=MAX_TOKENS, grammar=query_grammar(claim.text) or None)
    yielded = False
    async with aclosing(ctx.engine.generate(prompt(claim.text), sampling)) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            if passed := lines.feed(chunk):
                yield passed
                yielded = yielded or bool(passed.strip())
            if lines.over:
                break
    if passed := lines.end():
        yield passed
        yielded = True
    if not yielded:
        yield " ".join(terms(claim.text)) or claim.text


def _normal(line: str) -> str:
    return " ".join(line.casefold().split())
