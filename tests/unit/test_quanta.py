"""What the pieces are, and when they are certain, by example."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from alto_streams.quanta import QUANTA, Nested, Piece, QuantumError, Sentences, cut, cutter
from schemas.claim_pb2 import Claim


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


@pytest.mark.parametrize(
    ("quantum", "text", "pieces"),
    [
        ("token", "Don't pay $3.50!", ["Don't", "pay", "$", "3.50", "!"]),
        ("token", "U.S. e\u0301te\u0301, 1,000. x_1", ["U.S", ".", "e\u0301te\u0301", ",", "1,000", ".", "x_1"]),
        ("token", "東京に2回", ["東", "京", "に", "2", "回"]),
        ("word", "Eiffel Tower,", ["Eiffel", "Tower,"]),
        ("sentence", "Dr. No left. He won.", ["Dr. No left.", "He won."]),
        ("line", "one\n\ntwo", ["one", "two"]),
        ("item", "Facts:\n1. Big\n   city\n2. Old", ["Big\n   city", "Old"]),
        ("item", "- a\n  - b\n    - c\n- d", ["a", "b", "c", "d"]),
        ("item", "1. **Title**\n\n   Its text.\n\n2. Next\n\nThat is all.", ["**Title**\n\n   Its text.", "Next"]),
        ("item", "* **Bold**: x\n* * *\nprose\n- y\n# Head\n- - -\nz", ["**Bold**: x", "y"]),
        ("item", "- run\n  ```\n  - no\n  ```\n- b\n```\n- no\n```\n- c", ["run\n  ```\n  - no\n  ```", "b", "c"]),
        ("item", "a) x\nin 1999. It\n1999. It\n-5 degrees\n(2) y", ["x\nin 1999. It\n1999. It\n-5 degrees", "y"]),
        ("item", "-\n\n- \n  late\nNo list: 1. a", ["late\nNo list: 1. a"]),
        ("item", "[ ] no\n- [x] done", ["[x] done"]),
        ("paragraph", "one\ntwo\n \nthree", ["one\ntwo", "three"]),
        ("element", 'Here: ["a", {"b": 1}]', ['"a"', '{"b": 1}']),
        ("element", '```json\n[\n{"q": "] \\""},\n  [1, [2]],\n null\n]\n```', ['{"q": "] \\""}', "[1, [2]]", "null"]),
        ("element", 'As [1] and {x} say:\n{"a": 1}\n{"b": [2]}\n"c"\n3\nDone.', ['{"a": 1}', '{"b": [2]}', '"c"', "3"]),
        ("element", '[1, 2,]\n[note: none]\n[true or false]', ["1", "2", "true"]),
        ("element", '["cut sh', ['"cut sh']),
        ("whole", " one\ntwo ", ["one\ntwo"]),
    ],
)  # fmt: skip
def test_pieces_by_example(quantum: str, text: str, pieces: list[str]) -> None:
    assert cut(cutter(quantum), text) == pieces


def test_the_examples_of_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "quanta.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    assert [row[0].strip("`") for row in rows] == list(QUANTA)
    for quantum, *_, example in rows:
        text, pieces = example.replace("\\n", "\n").split(" \u2192 ")
        assert cut(cutter(quantum.strip("`")), text[1:-1]) == [piece[1:-1] for piece in pieces.split(" \u00b7 ")]


@pytest.mark.parametrize(
    ("quantum", "feeds", "certain"),
    [
        ("token", ["don", "'", "t", " "], [[], [], [], ["don't"]]),
        ("item", ["- a\n", "1", "2", ".", " "], [[], [], [], [], ["a"]]),
        ("item", ["- a\n\n", "N", "o"], [[], [], ["a"]]),
        ("paragraph", ["a\n", " ", "\n"], [[], [], ["a"]]),
        ("element", ['["a', '"', "1]"], [[], ['"a"'], []]),
        ("element", ["[1", "2", ","], [[], [], ["12"]]),
    ],
)
def test_when_a_piece_is_certain(quantum: str, feeds: list[str], certain: list[list[str]]) -> None:
    used = cutter(quantum)
    assert [used.feed(text) for text in feeds] == certain


def test_a_finer_piece_comes_while_the_coarser_one_is_written() -> None:
    nested = Nested("sentence", "word")
    assert [part.piece for part in nested.feed("In the U.S. S")] == ["In", "the", "U.S."]
    assert [(part.path, part.parts) for part in nested.feed("enate. ")] == [((0, 3), 0)]
    assert [(part.path, part.piece, part.parts) for part in nested.end()] == [((0,), "In the U.S. Senate.", 4)]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: cutter("page"), "no quantum 'page'. Mend: use one of token, word, sentence, line"),
        (lambda: Nested("line", "page"), "no quantum 'page'"),
        (lambda: Nested("word", "lines"), "A word cannot be cut at 'lines', which is not finer. Mend: cut it at"),
        (lambda: Nested("token", "token"), "cut nothing finer than a token"),
    ],
)  # fmt: skip
def test_a_quantum_that_cannot_be_is_refused(make: Callable[[], object], said: str) -> None:
    with pytest.raises(QuantumError) as raised:
        make()
    assert said in str(raised.value)


def test_a_piece_can_be_copied_and_sent() -> None:
    piece = Piece("two", 4)
    copy = pickle.loads(pickle.dumps(piece))
    assert (copy, copy.start, copy.end) == ("two", 4, 7)
    assert type(piece.upper()) is str
    assert Claim.FromString(Claim(text=piece).SerializeToString()).text == "two"
