"""The example pipelines end each question whatever the language model writes: nothing, repetitions, other forms."""

from __future__ import annotations

from hashlib import sha256
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alto_streams.testing import run
from examples.pipelines.scripted import Scripted
from schemas.question_pb2 import Question

ASKED = {
    "rag": "Where does the Danube end?",
    "best_of_n": "12 + 30 =",
    "writer": "Danube",
    "three_streams": "A kettle, a toaster and a kettle",
    "multi_hop": "Where was the director of Metropolis born?",
    "peers": "The capital of Upper Austria",
}
FRAGMENTS = (
    *("\n", "\n\n", " ", " \n \n", "\t", "- ", "1. ", "2) ", "*", "Answer:", "answer is -3.5", "Answer: 7", "unknown"),
    *("director of Metropolis", "birthplace of Fritz Lang", "The Danube.", "Is it?", "42", "é城", "\x00", "\u2028"),
)
ANSWERS = st.one_of(st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join), st.text(max_size=40))


@pytest.mark.parametrize("name", ASKED)
@settings(max_examples=40)
@given(answers=st.lists(ANSWERS, min_size=1, max_size=8), score=st.floats(-1e9, 0))
def test_a_question_ends_whatever_the_model_writes(name: str, answers: list[str], score: float) -> None:
    def say(prompt: str, asked: str, seed: int) -> str:
        return answers[sha256(f"{prompt}{asked}{seed}".encode()).digest()[0] % len(answers)]

    pipeline = import_module(f"examples.pipelines.{name}").pipeline
    pool = Scripted(say, lambda prompt, asked: score)
    told = run(pipeline, {"q": Question(text=ASKED[name])}, pool=pool).outcomes["q"]
    assert (told.question_id, told.failure) == ("q", "")
    assert all(line.strip() for line in told.lines)
