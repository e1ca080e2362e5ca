"""What `python -m examples.pipelines.NAME` does: one question, in memory with a script for a model, or on Kafka."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from alto_streams.errors import AltoError
from alto_streams.events import ItemEvent
from alto_streams.pipeline import load
from alto_streams.testing import run
from examples.pipelines.messages_pb2 import Told
from examples.pipelines.scripted import Scripted
from schemas.question_pb2 import Question


def main(name: str, question: str, scripted: Scripted) -> None:
    """Asks the pipeline of `examples/pipelines/NAME.py`, prints what streams, then the outcome."""
    parser = argparse.ArgumentParser(prog=f"python -m examples.pipelines.{name}")
    parser.add_argument("question", nargs="?", default=question, help=f"default: {question!r}")
    parser.add_argument(
        "--kafka",
        action="store_true",
        help="start Kafka, the embedded language model and every stage, and stop them at the end "
        "(without it the pipeline runs in memory, with a script for a model that knows the default question best)",
    )
    given = parser.parse_args()
    target = f"examples.pipelines.{name}:pipeline"
    try:
        told = _on_kafka(target, given.question) if given.kafka else _in_memory(target, given.question, scripted)
    except AltoError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    print("outcome:", *(told.lines or [told.failure or "nothing was found"]), sep="\n  ")
    if told.failure:
        sys.exit(1)


def _in_memory(target: str, question: str, scripted: Scripted) -> Told:
    result = run(load(target), {"q": Question(text=question)}, pool=scripted)
    for item in (*result.progress["q"], *result.outputs["q"]):
        print(shown(item.type, item.id, item.value))
    told: Told = result.outcomes["q"]
    return told


def _on_kafka(target: str, question: str) -> Told:
    from examples.pipelines.on_kafka import answer

    def show(seconds: float, item: ItemEvent) -> None:
        print(f"{seconds:5.1f} s  {shown(item.type, item.item_id, item.value)}", flush=True)

    told: Told = answer(target, question, show)
    return told


def shown(type: str, item: str, value: Any) -> str:
    """One item on one line."""
    named = f"{type} {item.partition('-')[0]}".rstrip()
    return f"{named}: {' '.join(str(value).split())}"[:120]
