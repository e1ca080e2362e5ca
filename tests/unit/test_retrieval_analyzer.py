"""The analyzer against what Lucene's EnglishAnalyzer is known to give."""

import pytest

from stages.retrieval.analyzer import STOP_WORDS, analyze
from stages.retrieval.porter import stem

PORTER = {  # from Porter's paper and his sample vocabulary
    "caresses": "caress", "ponies": "poni", "ties": "ti", "cats": "cat", "feed": "feed", "agreed": "agre",
    "plastered": "plaster", "bled": "bled", "motoring": "motor", "sing": "sing", "conflated": "conflat",
    "troubled": "troubl", "sized": "size", "hopping": "hop", "tanned": "tan", "falling": "fall", "hissing": "hiss",
    "fizzed": "fizz", "failing": "fail", "filing": "file", "happy": "happi", "sky": "sky", "relational": "relat",
    "conditional": "condit", "rational": "ration", "valenci": "valenc", "digitizer": "digit",
    "radically": "radic", "vietnamization": "vietnam", "operator": "oper", "feudalism": "feudal",
    "decisiveness": "decis", "hopefulness": "hope", "callousness": "callous", "formality": "formal",
    "sensitivity": "sensit", "triplicate": "triplic", "formative": "form", "electrical": "electr",
    "goodness": "good", "revival": "reviv", "allowance": "allow", "inference": "infer", "airliner": "airlin",
    "adjustable": "adjust", "defensible": "defens", "irritant": "irrit", "replacement": "replac",
    "adjustment": "adjust", "dependent": "depend", "adoption": "adopt", "communism": "commun",
    "activate": "activ", "homologous": "homolog", "effective": "effect", "bowdlerize": "bowdler",
    "probate": "probat", "rate": "rate", "cease": "ceas", "controlling": "control", "rolling": "roll",
    "yes": "ye", "syzygy": "syzygi", "generalizations": "gener", "oscillators": "oscil",
}  # fmt: skip
EXTENSIONS = {  # what Martin Porter added later, and Snowball's "porter" lacks
    "is": "is", "as": "as", "possibly": "possibl", "geology": "geologi", "analogies": "analog",
    "us": "us",
}  # fmt: skip


@pytest.mark.parametrize(("word", "expected"), [*PORTER.items(), *EXTENSIONS.items()])
def test_stems(word: str, expected: str) -> None:
    assert stem(word) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The quick brown foxes", ["quick", "brown", "fox"]),
        ("Lucene's O\u2019Brien\u2019s JAMES'S", ["lucen", "o\u2019brien", "jame"]),
        ("don't", ["don't"]),
        ("the U.S. in 1,000.5 A.D.", ["u.", "1,000.5", "a.d"]),
        ("state-of-the-art, and/or", ["state", "art"]),
        ("foo_bar 3G b2b 2001:", ["foo_bar", "3g", "b2b", "2001"]),
        ("A, B; no. 7!", ["b", "7"]),
        ("Brontë caf\u0065\u0301 Łódź", ["brontë", "caf\u0065\u0301", "łódź"]),
        ("\u6771\u4eac Tokyo", ["\u6771", "\u4eac", "tokyo"]),
        ("___ -- ...", []),
        ("", []),
    ],
)
def test_terms(text: str, expected: list[str]) -> None:
    assert analyze(text) == expected


def test_lucene_has_33_stop_words() -> None:
    assert len(STOP_WORDS) == 33
    assert analyze(" ".join(STOP_WORDS)) == []
