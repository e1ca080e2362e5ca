"""Both FacTools as they are shipped, with the demo corpus and the real encoder: equal verdicts, passages and scores."""

from __future__ import annotations

import pytest

from alto_streams.engines.protocol import Prompt
from alto_streams.testing import run
from examples.explicit_factool import pipeline as by_hand
from schemas.question_pb2 import Question
from stages.graph import pipeline as graph
from tests.unit.scripted_engine import ScriptedEngine

ANSWER = "Paris is the capital of France. The Seine flows through Paris."


def say(prompt: Prompt) -> list[str]:
    asked = prompt.messages[-1].content
    if prompt.name == "answer":
        return [ANSWER]
    return [asked.rpartition("Sentence: ")[2] or asked, "\n"]


@pytest.mark.timeout(300)
def test_the_two_end_alike() -> None:
    pool = ScriptedEngine(say, scores=(-0.2, -1.5))
    ends = [run(p, {"q": Question(text="What of Paris?")}, pool=pool).outcomes["q"] for p in (graph, by_hand)]
    assert len(ends[0].claims) == 2
    assert all(claim.evidence for claim in ends[0].claims)
    for end in ends:
        for claim in end.claims:
            claim.claim_id = claim.claim_id.partition("-")[0]  # what follows tells attempts apart
    assert ends[0] == ends[1]
