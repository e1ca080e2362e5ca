"""Query generation: raw text is passed on at once; repeated lines are not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from scripted_engine import ScriptedEngine, context, letters

from alto_streams.quanta import Lines, cut
from schemas.claim_pb2 import Claim
from stages.generate_queries import NewLines, generate_queries
from stages.query_grammar import query_grammar, terms

CLAIM = Claim(text="Warsaw is the capital of Poland.")


async def queries(chunks: Sequence[str], claim: Claim = CLAIM) -> tuple[list[str], ScriptedEngine]:
    engine = ScriptedEngine(chunks)
    text = "".join([piece async for piece in generate_queries(claim, context(engine))])
    return cut(Lines(), text), engine


async def test_lines_are_queries() -> None:
    assert (await queries(letters("Warsaw Poland\ncapital Poland")))[0] == ["Warsaw Poland", "capital Poland"]


async def test_each_fragment_is_passed_on_as_it_comes() -> None:
    engine = ScriptedEngine(["War", "saw", " Poland", "\ncap", "ital"])
    assert [p async for p in generate_queries(CLAIM, context(engine))] == ["War", "saw", " Poland", "\ncap", "ital"]


@pytest.mark.parametrize("chunks", [[], [""], ["\n \n"], letters("\n\n")])
async def test_the_content_words_are_the_query_when_the_model_gives_none(chunks: Sequence[str]) -> None:
    assert (await queries(chunks))[0] == ["Warsaw capital Poland"]


async def test_a_claim_of_stop_words_is_its_own_query() -> None:
    assert (await queries([], Claim(text="It is so.")))[0] == ["It is so."]


async def test_repetition_stops_the_engine() -> None:
    found, engine = await queries(["Warsaw Poland\n", "WARSAW  poland\n"] * 50)
    assert found == ["Warsaw Poland"]
    assert engine.emitted == 2
    assert engine.closed == 1


async def test_at_most_three_queries() -> None:
    found, engine = await queries([f"query {word}\n" for word in "abcdefgh"])
    assert found == ["query a", "query b", "query c"]
    assert engine.ended == 0


async def test_closing_stops_the_engine() -> None:
    engine = ScriptedEngine(letters("Warsaw Poland"))
    stream = generate_queries(CLAIM, context(engine))
    assert await anext(stream) == "W"
    await stream.aclose()  # type: ignore[attr-defined]
    assert (engine.closed, engine.ended) == (1, 0)


def test_a_line_that_begins_as_an_earlier_one_is_held_back_only_as_long() -> None:
    lines = NewLines(9)
    assert lines.feed("red fox\n") == "red fox"
    assert lines.feed("red") == ""
    assert lines.feed(" wolf") == "\nred wolf"
    assert lines.feed("\nred") == ""
    assert lines.end() == "\nred"


def test_terms_keep_names_whole_and_drop_stop_words() -> None:
    claim = "The Duke of York was born in Apollo 11 and in London."
    assert terms(claim) == ["Duke of York", "born", "Apollo 11", "London"]


def test_no_grammar_for_a_claim_of_one_term() -> None:
    assert query_grammar("London.") == ""
