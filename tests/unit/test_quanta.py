"""Where sentences end, by example."""

from __future__ import annotations

import pytest

from alto_streams.quanta import Sentences, cut


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith met Mrs. Jones.",
        "It grew by 3.5 percent.",
        "The U.S. Senate met Gen. Lee.",
        "George W. Bush succeeded J. R. R. Tolkien.",
        "He met Martin Luther King Jr. Washington was cold.",
        "It begins at 5 p.m. Greenwich time.",
        'He said "Stop!" and left.',
        "1. Paris is a city.",
        "Apples, pears, etc. are fruit.",
        "See No. 5 for the date of Jan. 7.",
        "Visit example.com today!",
        "What?! she asked.",
        "no end here",
    ],
)
def test_stays_whole(text: str) -> None:
    assert cut(Sentences(), text) == [text]


@pytest.mark.parametrize(
    "pieces",
    [
        ["Paris is big.", "London is bigger."],
        ["It is in the U.S.", "The capital is Washington."],
        ["It was World War I.", "It ended in 1918."],
        ["They came in 1066.", "They won."],
        ["It grew by 3.5.", "Then it shrank."],
        ['"I came."', '"I saw."'],
        ["Really?", "Yes!", "No."],
        ["It opened at 5 p.m.", "He left."],
        ["It was founded in 1999 by Apple Inc.", "The firm grew."],
        ["Wait...", "Then go."],
        ["It has three parts (see below).", "They differ."],
    ],
)
def test_is_cut(pieces: list[str]) -> None:
    assert cut(Sentences(), " ".join(pieces)) == pieces


def test_a_newline_ends_a_sentence_and_blank_lines_are_none() -> None:
    assert cut(Sentences(), "First line\n\n second line") == ["First line", "second line"]


def test_a_sentence_is_reported_with_the_first_letter_of_the_next() -> None:
    cutter = Sentences()
    assert cutter.feed("Paris is big.") == []
    assert cutter.feed(" L") == ["Paris is big."]


def test_wide_full_stops() -> None:
    assert cut(Sentences(), "巴黎很大。伦敦更大。") == ["巴黎很大。", "伦敦更大。"]
