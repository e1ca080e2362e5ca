"""What the language model makes of a claim: its odds of Yes, and how much the evidence helps it to guess the claim.

A small model answers Yes or No at chance, but it can read on: with "... was born in" and the right passage before it,
it expects the place that the passage names. So besides the odds we ask how much likelier the evidence makes the
claim's own words (pointwise mutual information; compare surprisal-based fact checking, N. Lee et al., NAACL 2021).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from alto_streams.engines.protocol import Engine, Message, Prompt
from stages.wording import STOP_WORDS, plain

OPTIONS = ("Yes", "No")
MAX_GUESSES = 4
PASSAGE_CHARS = 600
_FLOOR = -9.0  # engines tell the likeliest candidates only; below this all are "unexpected"
_WORD = re.compile(r"[^\W_]+(?:['\u2019.\-][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Opinion:
    """Natural logarithms. Zero and nothing where there was no evidence or no engine to ask."""

    margin: float = 0.0  # log probability of Yes less that of No, given the passage
    guesses: tuple[float, ...] = ()  # log probability of each of the claim's last words, given passage and words before
    gains: tuple[float, ...] = ()  # how much of that is due to the passage


def guessed(claim: str) -> list[tuple[str, str]]:
    """The last four content words of a claim, each with the text before it.

    >>> guessed("Granite is an igneous rock.")
    [('Granite is an', 'igneous'), ('Granite is an igneous', 'rock')]
    """
    found = [
        (claim[: match.start()].rstrip(), match.group())
        for match in _WORD.finditer(claim)
        if match.start() > 0 and plain(match.group()) not in STOP_WORDS
    ]
    return found[-MAX_GUESSES:]


def judge(claim: str, title: str, text: str) -> Prompt:
    """Asks for Yes or No."""
    question = f"Claim: {claim}\nDoes the passage support the claim? Answer Yes or No."
    return Prompt("appraise", (_passage(title, text), Message("user", question)))


def read_on(before: str, title: str = "", text: str = "") -> Prompt:
    """Asks for the next word of a statement, with the passage or from memory."""
    ask = Message("user", "Write one sentence that states a fact.")
    return Prompt("appraise", (_passage(title, text), ask) if text else (ask,), before)


async def opinion(engine: Engine, claim: str, title: str, text: str, guess: bool = True) -> Opinion:
    """One short question, and eight more with `guess`; one after the other, so that each finds its prefix cached."""
    text = text[:PASSAGE_CHARS]
    yes, no = await engine.score(judge(claim, title, text), OPTIONS)
    words = guessed(claim) if guess else []
    informed = [await _log_probability(engine, read_on(before, title, text), word) for before, word in words]
    blind = [await _log_probability(engine, read_on(before), word) for before, word in words]
    return Opinion(yes - no, tuple(informed), tuple(a - b for a, b in zip(informed, blind, strict=True)))


async def _log_probability(engine: Engine, prompt: Prompt, word: str) -> float:
    [value] = await engine.score(prompt, [word])
    return max(_FLOOR, value)


def _passage(title: str, text: str) -> Message:
    return Message("system", f"{title}. {text}" if text else "You know many facts.")
