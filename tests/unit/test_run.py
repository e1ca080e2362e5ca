"""A run cuts what its function writes: the words of a line are siblings, and share what their parent keeps."""

from __future__ import annotations

from alto_streams.ancestry import Ancestry, Attempt
from alto_streams.effects import Effect, Send
from alto_streams.execution import Run
from alto_streams.record import Kind, Record
from stages.graph import pipeline

QUESTION = Ancestry("q")
ATTEMPT = Attempt(2, 4)


def test_words_have_the_line_for_their_parent_and_the_next_line_is_another() -> None:
    stage = pipeline.plan.stage("generate_queries")
    run = Run(stage, [None], Record(Kind.ITEM, 0, QUESTION, 1, 1), QUESTION, ATTEMPT, [])
    effects: list[Effect] = [*run.emit("height of the tower\nwho "), *run.emit("built it\n"), *run.finish()]
    sent = [effect.record for effect in effects if isinstance(effect, Send)]
    words = [record.ancestry for record in sent if record.ancestry.depth == 2]
    lines = {record.ancestry for record in sent if record.ancestry.depth == 1}
    assert [tuple(step.position for step in word.path) for word in words] == [
        (line, word) for line, length in ((0, 4), (1, 3)) for word in range(length)
    ]
    assert {word.parent for word in words} == lines
    assert len({id(word.parent) for word in words}) == len(lines) == 2
