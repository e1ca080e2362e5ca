"""Question answering: sentences as they complete, and an end to loops."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from scripted_engine import ScriptedEngine, context, letters

from schemas.question_pb2 import Question
from schemas.sentence_pb2 import Sentence
from stages.answer import EXAMPLES, MAX_SENTENCES, MAX_WORDS, answer
from stages.extract_claims import extract_claims


async def answered(chunks: Sequence[str]) -> tuple[list[Sentence], ScriptedEngine]:
    engine = ScriptedEngine(chunks)
    return [s async for s in answer(Question(text="Where is Paris?"), context(engine))], engine


async def test_sentences_carry_the_question_and_those_before() -> None:
    sentences, _ = await answered(letters("Paris is in France. It lies on the Seine. Dr. Who lives there."))
    assert [s.text for s in sentences] == ["Paris is in France.", "It lies on the Seine.", "Dr. Who lives there."]
    assert [list(s.context) for s in sentences] == [[], [sentences[0].text], [sentences[0].text, sentences[1].text]]
    assert {s.question for s in sentences} == {"Where is Paris?"}


async def test_the_first_sentence_comes_before_the_answer_ends() -> None:
    engine = ScriptedEngine(letters("Paris is in France. It lies on the Seine."))
    stream = answer(Question(text="Where is Paris?"), context(engine))
    first = await anext(stream)
    assert first.text == "Paris is in France."
    assert engine.emitted == len("Paris is in France. I")
    await stream.aclose()  # type: ignore[attr-defined]
    assert (engine.closed, engine.ended) == (1, 0)


@pytest.mark.parametrize("text", ["", "  \n ", "..."])
async def test_an_answer_without_words_has_no_sentences(text: str) -> None:
    assert (await answered([text]))[0] == []


async def test_a_repeated_sentence_ends_the_answer_and_stops_the_engine() -> None:
    sentences, engine = await answered(letters("He was a king. He was a king. " * 9))
    assert [s.text for s in sentences] == ["He was a king."]
    assert engine.ended == 0
    assert engine.closed == 1


async def test_a_sentence_that_never_ends_stops_the_engine() -> None:
    sentences, engine = await answered(["Paris is big. And ", *["so on "] * 500])
    assert [s.text for s in sentences] == ["Paris is big."]
    assert engine.emitted < 2 + MAX_WORDS


@pytest.mark.parametrize("text", ["the river and the town and " * 200, f"{'word' * 9} " * 500])
async def test_a_first_sentence_that_never_ends_is_the_answer_as_far_as_it_may_go(text: str) -> None:
    (sentence,), engine = await answered([f"{word} " for word in text.split()])
    assert sentence.text == " ".join(text.split()[:MAX_WORDS])
    assert list(sentence.context) == []
    assert engine.emitted == MAX_WORDS + 1
    assert (engine.closed, engine.ended) == (1, 0)
    assert [claim async for claim in extract_claims(sentence, context(ScriptedEngine(["and "])))]


async def test_of_a_long_first_sentence_the_clause_that_is_cut_off_is_left_out() -> None:
    text = f"Paris, {'which is big ' * 15}and old, {'which is old ' * 15}"
    (sentence,), _ = await answered([f"{word} " for word in text.split()])
    assert sentence.text == f"Paris, {'which is big ' * 15}and old."
    (sentence,), _ = await answered([f"{word} " for word in f"Yes, {'they say ' * 99}".split()])
    assert sentence.text == f"Yes, {'they say ' * 99}"[: len(sentence.text)]
    assert len(sentence.text.split()) == MAX_WORDS


async def test_at_most_four_sentences() -> None:
    sentences, engine = await answered([f"Fact {'abcdefgh'[i]} holds. " for i in range(8)])
    assert len(sentences) == MAX_SENTENCES
    assert engine.closed == 1


async def test_what_the_token_limit_cut_off_is_dropped_unless_it_is_all() -> None:
    assert [s.text for s in (await answered(["Paris is big. It was founded in"]))[0]] == ["Paris is big."]
    assert [s.text for s in (await answered(["Paris"]))[0]] == ["Paris"]


async def test_the_prompt_ends_with_the_question_and_gives_examples() -> None:
    _, engine = await answered(["Yes."])
    prompt, sampling = engine.asked[0]
    assert prompt.name == "answer"
    assert prompt.messages[-1].content == "Where is Paris?"
    assert len(prompt.messages) == 2 + 2 * len(EXAMPLES)
    assert sampling.temperature == 0
