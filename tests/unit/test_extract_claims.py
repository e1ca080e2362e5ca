"""Claim extraction: what counts as a claim, and what happens when the model gives none."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from scripted_engine import ScriptedEngine, context, letters

from schemas.sentence_pb2 import Sentence
from stages.claim_grammar import MAX_CLAIMS, bare, claim_grammar, subject, subjects
from stages.extract_claims import extract_claims

WARSAW = Sentence(
    text="It is the capital of Poland and is known for its culture.",
    question="Tell me about Warsaw.",
    context=["Warsaw is a city."],
)


async def extracted(sentence: Sentence, chunks: Sequence[str]) -> tuple[list[str], ScriptedEngine]:
    engine = ScriptedEngine(chunks)
    return [claim.text async for claim in extract_claims(sentence, context(engine))], engine


async def test_one_claim_a_line() -> None:
    text = "Warsaw is the capital of Poland.\nWarsaw is known for its culture."
    assert (await extracted(WARSAW, letters(text)))[0] == text.split("\n")


async def test_a_claim_comes_when_its_line_ends() -> None:
    engine = ScriptedEngine(letters("Warsaw is the capital of Poland.\nWarsaw is known for its culture."))
    stream = extract_claims(WARSAW, context(engine))
    assert (await anext(stream)).text == "Warsaw is the capital of Poland."
    assert engine.emitted == len("Warsaw is the capital of Poland.\n")
    await stream.aclose()  # type: ignore[attr-defined]
    assert (engine.closed, engine.ended) == (1, 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "Warsaw is the capital of Germany.",  # says more than the sentence
        "It is the capital of Poland.",  # does not name its subject
        "Ada Lovelace was an English mathematician.",  # an example of the prompt
        "Warsaw is the capital of",  # cut by the token limit
        "Warsaw Poland " * 400,  # a loop
    ],
)
async def test_the_sentence_with_its_subject_is_the_claim_when_none_is_usable(text: str) -> None:
    claims, _ = await extracted(WARSAW, [text])
    assert claims == ["Warsaw is the capital of Poland and is known for its culture."]


async def test_a_sentence_without_content_has_no_claims() -> None:
    assert (await extracted(Sentence(text="It is so."), [""]))[0] == []


async def test_repetition_ends_the_list_and_stops_the_engine() -> None:
    claims, engine = await extracted(WARSAW, ["Warsaw is the capital of Poland.\n"] * 50)
    assert claims == ["Warsaw is the capital of Poland."]
    assert engine.emitted == 2
    assert engine.closed == 1


async def test_at_most_four_claims() -> None:
    sentence = Sentence(text="Rome has red, blue, green, white, black and grey walls.", question="Rome?")
    colours = ["red", "blue", "green", "white", "black", "grey"]
    claims, engine = await extracted(sentence, [f"Rome has {colour} walls.\n" for colour in colours])
    assert len(claims) == MAX_CLAIMS
    assert engine.ended == 0


async def test_an_endless_line_stops_the_engine() -> None:
    _, engine = await extracted(WARSAW, ["Warsaw "] * 5000)
    assert engine.emitted < 100


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("The highest mountain in Africa is Kilimanjaro.", "The highest mountain in Africa"),
        ("The Normans conquered England.", "The Normans"),
        ("Alexander Fleming discovered penicillin.", "Alexander Fleming"),
        ("It is a city.", ""),
        ("They won.", ""),
        ("", ""),
    ],
)
def test_subject(sentence: str, expected: str) -> None:
    assert subject(sentence) == expected


def test_a_pronoun_stands_for_the_last_subject_or_a_name_of_the_question() -> None:
    assert subjects(["Rome is old.", "Paris is new."], "Which?") == ["Paris", "Rome"]
    assert subjects([], "Who was Ada Lovelace?") == ["Ada Lovelace"]


def test_bare_sentences() -> None:
    assert bare("However, it's a city.") == "It is a city."
    assert bare("They're old.") == "They are old."
    assert bare("Thus spoke he.") == "Thus spoke he."


def test_no_grammar_for_sentences_without_end() -> None:
    assert claim_grammar("word " * 100, [], "") == ""
    assert claim_grammar("", [], "") == ""
    assert claim_grammar(" .,; ", [], "") == ""
