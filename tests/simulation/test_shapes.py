"""Graphs of other shapes: each gives, under faults, what a plain nested loop over the same functions gives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest
from scripted import Evidence, Text, Words, conclude, number

from alto_streams.context import Context
from alto_streams.operators import Collect
from alto_streams.pipeline import Pipeline, join
from alto_streams.testing import Faults, run, simulate

QUESTIONS = {name: name.encode() for name in ("a", "b", "c", "d")}
Expected = Callable[[str], list[str]]


def parts(level: str, parent: str, most: int = 3) -> list[str]:
    return [f"{parent}.{level}{i}" for i in range(number(level + parent, most + 1))]


async def outer(question: bytes, ctx: Context) -> AsyncIterator[Text]:
    for text in parts("o", question.decode()):
        yield Text(text)


async def inner(item: Text, ctx: Context) -> AsyncIterator[Text]:
    for text in parts("i", item.text):
        yield Text(text)


async def lines(item: Text, ctx: Context) -> AsyncIterator[str]:
    for text in parts("l", item.text):
        yield text.replace(".", " ")[:3]
        yield text.replace(".", " ")[3:] + "\n"


async def prose(item: Text, ctx: Context) -> AsyncIterator[str]:
    for chunk in ("It is ", item.text, " number on", "e. It", f" is {item.text} two.\n\nThe", " end. "):
        await asyncio.sleep(0)
        yield chunk


def sentences_of(o: str) -> list[str]:
    return [f"It is {o} number one.", f"It is {o} two.", "The end."]


async def verses(item: Text, ctx: Context) -> AsyncIterator[str]:
    for chunk in (item.text, " is. I", "t is.\n", "\nEnd"):
        await asyncio.sleep(0)
        yield chunk


def verses_of(o: str) -> list[list[str]]:
    return [[f"{o} is.", "It is."], ["End"]]


def sorted_words(text: str) -> str:
    return " ".join(sorted(text.split()))


async def mark(item: Text, ctx: Context) -> Text:
    return Text(item.text + "!")


async def odd(item: Text, ctx: Context) -> Text | None:
    return Text(item.text) if number(item.text, 2) else None


async def pair(a: Text, b: Text, ctx: Context) -> Text:
    return Text(f"{a.text}({b.text})")


async def pair_with_question(a: bytes, b: Text, ctx: Context) -> AsyncIterator[Text]:
    for word in b.text.split("|"):
        yield Text(f"{a.decode()}:{word}")


async def triple(a: Text, b: Text, c: Text, ctx: Context) -> Text:
    return Text(f"{a.text}({b.text})({c.text})")


async def listed(item: Text, found: list, ctx: Context) -> Text:  # type: ignore[type-arg]
    return Text(f"{item.text}={[one.text for one in found]}")


def only_the_parts_of_lines_are_read() -> tuple[Pipeline, Expected]:
    p = Pipeline("shape", source=bytes)
    queries = p.source.expand(outer, "o").expand(lines, "line", cut="lines", item=Text)
    p.output(queries.cut("word", at="words", item=Text).aggregate(Words()).map(mark), "x", conclude=conclude)
    return p, lambda q: [" ".join(sorted(x.split("."))) + "!" for o in parts("o", q) for x in parts("l", o)]


def lines_and_words_closed_at_once() -> tuple[Pipeline, Expected]:
    p = Pipeline("shape", source=bytes)
    items = p.source.expand(outer, "o")
    words = items.expand(lines, "line", cut="lines", item=Text).cut("word", at="words", item=Text)
    p.output(join(items, words.aggregate(Words(), over=("line", "word"))).map(pair), "x", conclude=conclude)
    return p, lambda q: [
        f"{o}({' '.join(sorted(w for x in parts('l', o) for w in x.split('.')))})" for o in parts("o", q)
    ]


def lines_read_whole_and_their_words_closed_with_them() -> tuple[Pipeline, Expected]:
    p = Pipeline("shape", source=bytes)
    items = p.source.expand(outer, "o")
    queries = items.expand(lines, "line", cut="lines", item=Text)
    words = queries.cut("word", at="words", item=Text).aggregate(Words(), over=("line", "word"))
    whole = queries.map(odd).aggregate(Evidence())
    p.output(join(items, whole, words).map(triple), "x", conclude=conclude)

    def expected(q: str) -> list[str]:
        found = []
        for o in parts("o", q):
            texts = [x.replace(".", " ") for x in parts("l", o)]
            kept = "|".join(sorted(text for text in texts if number(text, 2)))
            found.append(f"{o}({kept})({' '.join(sorted(word for text in texts for word in text.split()))})")
        return found

    return p, expected


def sentences_read_whole_and_word_by_word() -> tuple[Pipeline, Expected]:
    p = Pipeline("shape", source=bytes)
    sentences = p.source.expand(outer, "o").expand(prose, "sentence", cut="sentence", item=Text)
    words = sentences.cut("word", at="words", item=Text).aggregate(Words())
    p.output(join(sentences, words).map(pair), "x", conclude=conclude)
    return p, lambda q: [f"{text}({' '.join(sorted(text.split()))})" for o in parts("o", q) for text in sentences_of(o)]


def the_sentences_of_paragraphs_closed_with_them() -> tuple[Pipeline, Expected]:
    p = Pipeline("shape", source=bytes)
    items = p.source.expand(outer, "o")
    paragraphs = items.expand(prose, "paragraph", cut="paragraphs", item=Text)
    sentences = paragraphs.cut("sentence", at="sentences", item=Text).aggregate(
        Evidence(), over=("paragraph", "sentence")
    )
    p.output(join(items, sentences).map(pair), "x", conclude=conclude)
    return p, lambda q: [f"{o}({'|'.join(sorted(sentences_of(o)))})" for o in parts("o", q)]


def words_of_sentences_of_paragraphs_each_level_read() -> tuple[Pipeline, Expected]:
    p = Pipeline("shape", source=bytes)
    paragraphs = p.source.expand(outer, "o").expand(verses, "paragraph", cut="paragraph", item=Text)
    sentences = paragraphs.cut("sentence", at="sentence", item=Text)
    words = sentences.cut("word", at="word", item=Text).aggregate(Words())
    told = join(sentences, words).map(pair).aggregate(Collect())
    p.output(join(paragraphs, told).map(listed), "x", conclude=conclude)

    def expected(q: str) -> list[str]:
        return [
            f"{' '.join(verse)}={[f'{text}({sorted_words(text)})' for text in verse]}"
            for o in parts("o", q)
            for verse in verses_of(o)
        ]

    return p, expected


def only_the_finest_of_three_cuts_is_read_and_closes_all() -> tuple[Pipeline, Expected]:
    p = Pipeline("shape", source=bytes)
    items = p.source.expand(outer, "o")
    paragraphs = items.expand(verses, "paragraph", cut="paragraph", item=Text)
    words = paragraphs.cut("sentence", at="sentence", item=Text).cut("word", at="word", item=Text)
    closed = words.aggregate(Words(), over=("paragraph", "sentence", "word"))
    p.output(join(items, closed).map(pair), "x", conclude=conclude)
    return p, lambda q: [f"{o}({sorted_words(f'{o} is. It is. End')})" for o in parts("o", q)]


def the_middle_of_three_cuts_and_the_finest_under_it() -> tuple[Pipeline, Expected]:
    p = Pipeline("shape", source=bytes)
    items = p.source.expand(outer, "o")
    paragraphs = items.expand(verses, "paragraph", cut="paragraph", item=Text)
    sentences = paragraphs.cut("sentence", at="sentence", item=Text)
    words = sentences.cut("word", at="word", item=Text).map(odd).aggregate(Words())
    kept = join(sentences.map(mark), words).map(pair).aggregate(Collect(), over=("paragraph", "sentence"))
    p.output(join(items, kept).map(listed), "x", conclude=conclude)

    def kept_words(text: str) -> str:
        return sorted_words(" ".join(word for word in text.split() if number(word, 2)))

    return p, lambda q: [
        f"{o}={[f'{text}!({kept_words(text)})' for verse in verses_of(o) for text in verse]}" for o in parts("o", q)
    ]


def a_join_with_the_source_that_expands_again() -> tuple[Pipeline, Expected]:
    p = Pipeline("shape", source=bytes)
    folded = p.source.expand(outer, "o").aggregate(Evidence())
    p.output(join(p.source, folded).expand(pair_with_question, "again"), "x", conclude=conclude)
    return p, lambda q: [f"{q}:{word}" for word in "|".join(sorted(parts("o", q))).split("|")]


def two_levels_closed_by_the_coordinator_alone() -> tuple[Pipeline, Expected]:
    p = Pipeline("shape", source=bytes)
    p.output(p.source.expand(outer, "o").expand(inner, "i"), "x", conclude=conclude)
    return p, lambda q: [i for o in parts("o", q) for i in parts("i", o)]


def two_readers_of_one_aggregate() -> tuple[Pipeline, Expected]:
    p = Pipeline("shape", source=bytes)
    items = p.source.expand(outer, "o")
    folded = items.expand(inner, "i").aggregate(Evidence())
    p.output(join(folded.map(mark), join(items, folded).map(pair)).map(pair, name="pair_again"), "x", conclude=conclude)

    def expected(q: str) -> list[str]:
        folded = {o: "|".join(sorted(parts("i", o))) for o in parts("o", q)}
        return [f"{folded[o]}!({o}({folded[o]}))" for o in folded]

    return p, expected


def an_ordered_list_inside_a_join() -> tuple[Pipeline, Expected]:
    p = Pipeline("shape", source=bytes)
    items = p.source.expand(outer, "o")
    p.output(join(items, items.expand(inner, "i").map(odd).aggregate(Collect())).map(listed), "x", conclude=conclude)
    return p, lambda q: [f"{o}={[i for i in parts('i', o) if number(i, 2)]}" for o in parts("o", q)]


async def two_lists(one: list, two: list, ctx: Context) -> Text:  # type: ignore[type-arg]
    return Text(f"{[item.text for item in one]} {[item.text for item in two]}")


def operators_of_one_kind_without_names() -> tuple[Pipeline, Expected]:
    p = Pipeline("shape", source=bytes)
    items = p.source.expand(outer, "o")
    one = items.expand(inner, "i").aggregate(Collect())
    two = items.expand(prose, "sentence", cut="sentence", item=Text).aggregate(Collect())
    p.output(join(one, two).map(two_lists), "x", conclude=conclude)
    return p, lambda q: [f"{parts('i', o)} {sentences_of(o)}" for o in parts("o", q)]


def a_stream_joined_with_itself_and_a_branch_that_is_only_shown() -> tuple[Pipeline, Expected]:
    p = Pipeline("shape", source=bytes)
    items = p.source.expand(outer, "o")
    p.publish(items.expand(inner, "i"), "aside")
    p.output(join(items, items.map(odd), items).map(triple), "x", conclude=conclude)
    return p, lambda q: [f"{o}({o})({o})" for o in parts("o", q) if number(o, 2)]


@pytest.mark.parametrize(
    "shape",
    [
        only_the_parts_of_lines_are_read,
        lines_and_words_closed_at_once,
        lines_read_whole_and_their_words_closed_with_them,
        sentences_read_whole_and_word_by_word,
        the_sentences_of_paragraphs_closed_with_them,
        words_of_sentences_of_paragraphs_each_level_read,
        only_the_finest_of_three_cuts_is_read_and_closes_all,
        the_middle_of_three_cuts_and_the_finest_under_it,
        a_join_with_the_source_that_expands_again,
        two_levels_closed_by_the_coordinator_alone,
        two_readers_of_one_aggregate,
        an_ordered_list_inside_a_join,
        operators_of_one_kind_without_names,
        a_stream_joined_with_itself_and_a_branch_that_is_only_shown,
    ],
)
def test_a_shape_gives_what_a_nested_loop_gives(shape: Callable[[], tuple[Pipeline, Expected]]) -> None:
    pipeline, expected = shape()
    wanted = {q: json.dumps(expected(q)).encode() for q in QUESTIONS}
    assert any(expected(q) for q in QUESTIONS)
    assert run(pipeline, QUESTIONS).outcomes == wanted
    for seed in range(50):
        assert simulate(pipeline, QUESTIONS, seed, Faults(every=15)).outcomes == wanted


@pytest.mark.parametrize("empty", ["o", "i", "both"])
def test_a_level_without_children_ends_the_question(empty: str) -> None:
    async def some_outer(question: bytes, ctx: Context) -> AsyncIterator[Text]:
        for i in range(0 if empty in ("o", "both") else 2):
            yield Text(f"o{i}")

    async def some_inner(item: Text, ctx: Context) -> AsyncIterator[Text]:
        for i in range(0 if empty in ("i", "both") else 2):
            yield Text(f"i{i}")

    p = Pipeline("shape", source=bytes)
    items = p.source.expand(some_outer, "o")
    p.output(join(items, items.expand(some_inner, "i").aggregate(Evidence())).map(pair), "x", conclude=conclude)
    wanted = {"o": b"[]", "i": b'["o0()", "o1()"]', "both": b"[]"}[empty]
    for seed in range(20):
        assert simulate(p, {"q": b"q"}, seed).outcomes == {"q": wanted}
