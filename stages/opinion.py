"""What the language model makes of a claim: its odds of Yes against No, given the passage that speaks of it best."""

from __future__ import annotations

from dataclasses import dataclass

from alto_streams.engines.protocol import Engine, Message, Prompt

OPTIONS = ("Yes", "No")
PASSAGE_CHARS = 600


@dataclass(frozen=True, slots=True)
class Opinion:
    """Zero where there was no evidence or no engine to ask."""

    margin: float = 0.0
    """Natural-log probability of Yes less that of No."""


def judge(claim: str, title: str, text: str) -> Prompt:
    """Asks for Yes or No."""
    question = f"Claim: {claim}\nDoes the passage support the claim? Answer Yes or No."
    passage = Message("system", f"{title}. {text[:PASSAGE_CHARS]}")
    return Prompt("appraise", (passage, Message("user", question)))


async def opinion(engine: Engine, claim: str, title: str, text: str) -> Opinion:
    """One short question."""
    yes, no = await engine.score(judge(claim, title, text), OPTIONS)
    return Opinion(yes - no)
