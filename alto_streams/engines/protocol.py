"""What every language-model engine offers: generate, score, statistics."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A chat to continue. `name` says which stage's prompt it is: equal names share a prefix worth caching.

    `continuation` is text that the answer already starts with: the engine goes on after it and does not repeat it.
    """

    name: str
    messages: tuple[Message, ...]
    continuation: str = ""

    @classmethod
    def few_shot(cls, name: str, system: str, examples: Iterable[tuple[str, str]]) -> Prompt:
        """The constant beginning of a prompt: an instruction, and what was asked and answered before."""
        turns = [(Message("user", asked), Message("assistant", answered)) for asked, answered in examples]
        return cls(name, (Message("system", system), *(message for turn in turns for message in turn)))

    def ask(self, content: str) -> Prompt:
        """This chat with one more question."""
        return Prompt(self.name, (*self.messages, Message("user", content)))


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to choose tokens. The default is greedy, so equal prompts give equal words."""

    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    grammar: str | None = None  # GBNF
    repeat_penalty: float = 1.0


@dataclass(frozen=True, slots=True)
class EngineStatistics:
    """Counts since the engine started; `running` and `waiting` are of this moment."""

    requests: int
    running: int
    waiting: int
    prompt_tokens: int
    generated_tokens: int


class Engine(Protocol):
    """A language model that serves several requests at once.

    Closing a generation's iterator (or cancelling the task that reads it) stops the request and frees its slot.
    """

    def generate(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[str]:
        """Yields the answer's text as it is produced; one chunk is one token or a few. Raises EngineError."""
        ...

    async def score(self, prompt: Prompt, options: Sequence[str]) -> list[float]:
        """Natural-log probability of each option's first token as the next one. Raises EngineError."""
        ...

    async def statistics(self) -> EngineStatistics: ...

    async def close(self) -> None: ...
