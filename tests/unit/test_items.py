"""What `alto ask` shows of a pipeline that is not FacTool: items nested by ancestry, and the outcome as it is."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator
from dataclasses import replace

from rich.console import Console

from alto_streams.cli.items import ItemTree, follow, plain_lines
from alto_streams.events import EndEvent, Event, ItemEvent
from alto_streams.failure import Failure
from examples.pipelines.messages_pb2 import Citation, Mood, Passage, Sentence, Told

SENTENCE = ItemEvent("sentence", "q", "0-a", Sentence(text="Ulm is\nold.", sources=[Passage(title="Ulm"), Passage()]))
MOOD = ItemEvent("mood", "q", "0.2-a", Mood(value=1 / 3))
CITATION = ItemEvent("citation", "q", "1-a", Citation(text="Ulm is big.", titles=["Ulm", "Cities"]))
RAW = ItemEvent("raw", "q", "", b"as it is")
COMPLETE = EndEvent("q", "complete", Told(question_id="q", lines=["Ulm: old", "1"]))
FAILED = EndEvent("q", "failed", Told(question_id="q"), Failure("write", "engine_failed", "It\nbroke."))


async def stream(*events: Event) -> AsyncGenerator[Event, None]:
    for event in events:
        yield event


async def shown(*events: Event, terminal: bool = False) -> tuple[list[str], bool]:
    out = io.StringIO()
    console = Console(file=out, width=60, force_terminal=terminal, color_system=None)
    complete = await follow(stream(*events), "Ulm?", console)
    return out.getvalue().splitlines(), complete


async def test_plain_output_is_one_line_an_item_whatever_the_width() -> None:
    lines, complete = await shown(SENTENCE, MOOD, CITATION, RAW, COMPLETE)
    assert complete
    assert lines[:-1] == [
        "question   Ulm?",
        "sentence   0       Ulm is old. sources 2",
        "mood       0.2     value 0.3333",
        "citation   1       Ulm is big. [Ulm, Cities]",
        "raw                as it is",
        "outcome",
        "  lines:",
        "  - 'Ulm: old'",
        "  - '1'",
    ]
    assert lines[-1].startswith("complete: 1 sentence, 1 mood, 1 citation, 1 raw; first sentence 0.0 s, first mood ")


async def test_what_an_aggregate_comes_to_so_far_is_marked_and_not_counted() -> None:
    so_far = replace(MOOD, value=Mood(value=0.25), final=False)
    lines, _ = await shown(so_far, MOOD, COMPLETE)
    assert lines[1:3] == ["mood       0.2     value 0.25 (so far)", "mood       0.2     value 0.3333"]
    assert lines[-1].startswith("complete: 1 mood;")


async def test_a_failure_is_told_in_one_line() -> None:
    lines, complete = await shown(FAILED)
    assert not complete
    assert lines[1] == "outcome    empty"
    assert lines[2].startswith("failed: no items; total 0.0 s; failed in write: engine_failed: It broke.")


def drawn(*events: Event) -> list[str]:
    tree = ItemTree("Ulm?")
    for event in events:
        tree.receive(event)
    out = io.StringIO()
    Console(file=out, width=80).print(tree)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_an_item_stands_under_the_one_it_descends_from() -> None:
    again = ItemEvent("mood", "q", "0.2-b", Mood(value=0.5))
    assert drawn(MOOD, CITATION, SENTENCE, again, COMPLETE) == [
        "Ulm?",
        "├── sentence 0  Ulm is old. sources 2",
        "│   └── mood     0.2  value 0.5",
        "└── citation 1  Ulm is big. [Ulm, Cities]",
    ]
    assert "working" in drawn(SENTENCE)[-1]


async def test_a_terminal_ends_with_the_tree_and_the_outcome() -> None:
    lines, _ = await shown(SENTENCE, MOOD, COMPLETE, terminal=True)
    said = "\n".join(lines)
    assert "working" not in said.rpartition("Ulm?")[2]
    assert said.rstrip().splitlines()[-1].startswith("complete: 1 sentence, 1 mood;")


def test_what_would_steer_a_terminal_is_taken_out() -> None:
    steering = ItemEvent("sentence", "q", "0", Sentence(text="\x1b[2Jgone"))
    assert [str(line) for line in plain_lines([steering, COMPLETE], "a\x1b?")] == [
        "question   a?",
        "sentence   0       [2Jgone",
    ]
