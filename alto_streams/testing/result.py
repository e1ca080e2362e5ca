"""What came out of a run in memory: the outcome, the outputs and the progress of each question."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, get_type_hints

from alto_streams.effects import DeadLetter, Publish
from alto_streams.execution import decode
from alto_streams.pipeline import Pipeline
from alto_streams.testing.memory import Memory


class Item(NamedTuple):
    """One published item: its type name, its id within the question, and the message (or bytes).

    One that is not final is what an aggregate came to so far.
    """

    type: str
    id: str
    value: Any
    final: bool = True


@dataclass(frozen=True)
class Timing:
    """When a question was asked, its first output or progress was out, its first output, and it ended; in seconds of
    virtual time.
    """

    asked: float
    first: float | None = None
    first_output: float | None = None
    ended: float | None = None


@dataclass(frozen=True)
class Result:
    """By question id; `outputs` without the outcomes. Items are in the order in which they were published."""

    outcomes: dict[str, Any]
    outputs: dict[str, list[Item]]
    progress: dict[str, list[Item]]
    dead_letters: list[DeadLetter]
    steps: int = 0  # of a simulation
    faults: dict[str, int] = field(default_factory=dict)  # how often what went wrong in it
    timings: dict[str, Timing] = field(default_factory=dict)  # of a simulation in virtual time


def result_of(pipeline: Pipeline, memory: Memory, steps: int = 0, faults: Mapping[str, int] | None = None) -> Result:
    """Reads the topics; values are decoded where the functions' annotations say their type."""
    types = {name: stream.type for stream, name in pipeline.published}
    if pipeline.result is not None:
        types[pipeline.result_type] = pipeline.result.type
    outcome = get_type_hints(pipeline.conclude).get("return") if inspect.isfunction(pipeline.conclude) else None
    outputs = [effect for effect in memory.output if effect.type != "outcome"]
    return Result(
        {question: _decoded(outcome, value) for question, value in memory.ended.items()},
        _items(outputs, types),
        _items(memory.progress, types),
        memory.dead_letters,
        steps,
        dict(faults or {}),
    )


def _items(published: list[Publish], types: dict[str, Any]) -> dict[str, list[Item]]:
    found: defaultdict[str, list[Item]] = defaultdict(list)
    for effect in published:
        found[effect.question].append(
            Item(effect.type, effect.item, _decoded(types[effect.type], effect.value), effect.final)
        )
    return found


def _decoded(type: Any, value: bytes) -> Any:
    return decode(type, value) if hasattr(type, "FromString") else value
