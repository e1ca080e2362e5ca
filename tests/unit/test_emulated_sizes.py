"""The emulated engine's sizes and fan-out over 10,000 requests of each stage, beside the paper's table 1."""

from __future__ import annotations

from random import Random
from statistics import fmean, pstdev

import pytest

from alto_streams.engines.emulated.answers import Answers
from alto_streams.engines.emulated.sizes import ANSWER, CLAIMS, QUERIES, Size, Sizes
from alto_streams.engines.protocol import Message, Prompt, Sampling

REQUESTS = 10_000
ENDLESS = Sampling(max_tokens=10_000)


def said(name: str, asked: str) -> list[list[str]]:
    """The lines of 10,000 answers."""
    answers = Answers(seed=5, reruns_differ=False)
    prompts = (Prompt(name, (Message("user", f"{asked} {number}"),)) for number in range(REQUESTS))
    return ["".join(answers.texts(prompt, ENDLESS)).split("\n") for prompt in prompts]


def close(values: list[int], mean: float, deviation: float) -> bool:
    return fmean(values) == pytest.approx(mean, rel=0.05) and pstdev(values) == pytest.approx(deviation, rel=0.05)


def test_answers_have_the_papers_words() -> None:
    assert close([len(line.split()) for (line,) in said("answer", "Who built it?")], 62.5, 57.2)


def test_claims_have_the_papers_number_and_words() -> None:
    found = said("extract_claims", "Sentence: Emulated basalt is volcanic.")
    assert close([len(lines) for lines in found], 3.3, 1.8)
    assert close([len(line.split()) for lines in found for line in lines], 9.8, 3.5)


def test_queries_have_the_papers_number_and_words() -> None:
    found = said("generate_queries", "Claim: Emulated basalt is volcanic.")
    assert close([len(lines) for lines in found], 2.5, 1.3)
    assert close([len(line.split()) for lines in found for line in lines], 5.5, 3.1)


@pytest.mark.parametrize("sizes", [ANSWER, CLAIMS, QUERIES])
def test_every_size_is_at_least_one(sizes: Sizes) -> None:
    random = Random(1)
    assert min(min(sizes.draw(random)) for _ in range(2000)) >= 1


def test_a_size_that_no_positive_integer_can_have_is_refused() -> None:
    with pytest.raises(ValueError, match="No such size"):
        Size(10.0, 2.0)
