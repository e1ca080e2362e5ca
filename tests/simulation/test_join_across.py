"""Joins across levels under faults: every item with its ancestor's, as a plain nested loop pairs them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from itertools import chain

import pytest
from scripted import Evidence, Script, Text, conclude, number
from test_shapes import Expected, inner, lines, mark, odd, outer, pair, parts, triple

from alto_streams.context import Context
from alto_streams.effects import Acknowledge, Delivery, Effect
from alto_streams.execution import StageLogic
from alto_streams.pairing import Pairing
from alto_streams.pipeline import Pipeline, Stream, join
from alto_streams.plan import PAIR
from alto_streams.record import Kind, Record
from alto_streams.testing import Faults, Result, SimulationError, run, simulate

QUESTIONS = {name: name.encode() for name in ("a", "b", "c", "d")}
SEEDS = range(50)


def start() -> tuple[Pipeline, Stream, Stream]:
    p = Pipeline("across", source=bytes)
    items = p.source.expand(outer, "o")
    return p, items, items.expand(inner, "i")


def each(q: str) -> list[tuple[str, str]]:
    return [(i, o) for o in parts("o", q) for i in parts("i", o)]


def joined(texts: list[str]) -> str:
    return "|".join(sorted(texts))


async def beside(a: Text, b: Text | None, ctx: Context) -> Text:
    return Text(f"{a.text}({b and b.text})")


async def of_question(item: Text, question: bytes, ctx: Context) -> Text:
    return Text(f"{item.text}<{question.decode()}")


async def both(a: Text, b: Text, ctx: Context) -> AsyncIterator[Text]:
    for text in (a.text, b.text):
        yield Text(text)


def an_item_with_its_parent() -> tuple[Pipeline, Expected]:
    p, items, leaves = start()
    p.output(join(leaves, items).map(pair), "x", conclude=conclude)
    return p, lambda q: [f"{i}({o})" for i, o in each(q)]


def a_parent_with_each_of_its_items() -> tuple[Pipeline, Expected]:
    p, items, leaves = start()
    p.output(join(items, leaves.map(mark)).map(pair), "x", conclude=conclude)
    return p, lambda q: [f"{o}({i}!)" for i, o in each(q)]


def an_item_with_the_question_two_levels_up() -> tuple[Pipeline, Expected]:
    p, _, leaves = start()
    p.output(join(leaves, p.source).map(of_question), "x", conclude=conclude)
    return p, lambda q: [f"{i}<{q}" for i, _ in each(q)]


def an_item_with_the_result_of_a_sibling_branch() -> tuple[Pipeline, Expected]:
    p, items, leaves = start()
    found = items.expand(lines, "line", cut="lines", item=Text).aggregate(Evidence())
    p.output(join(leaves, found).map(pair), "x", conclude=conclude)
    return p, lambda q: [f"{i}({joined([x.replace('.', ' ') for x in parts('l', o)])})" for i, o in each(q)]


def an_item_with_all_of_its_siblings() -> tuple[Pipeline, Expected]:
    p, _, leaves = start()
    p.output(join(leaves, leaves.aggregate(Evidence())).map(pair), "x", conclude=conclude)
    return p, lambda q: [f"{i}({joined(parts('i', o))})" for i, o in each(q)]


def an_item_with_all_of_the_question() -> tuple[Pipeline, Expected]:
    p, _, leaves = start()
    p.output(join(leaves, leaves.aggregate(Evidence(), over=("o", "i"))).map(pair), "x", conclude=conclude)
    return p, lambda q: [f"{i}({joined([i for i, _ in each(q)])})" for i, _ in each(q)]


def parents_that_are_dropped() -> tuple[Pipeline, Expected]:
    p, items, leaves = start()
    p.output(join(leaves, items.map(odd)).map(pair), "x", conclude=conclude)
    return p, lambda q: [f"{i}({o})" for i, o in each(q) if number(o, 2)]


def parents_that_are_dropped_in_a_left_join() -> tuple[Pipeline, Expected]:
    p, items, leaves = start()
    p.output(join(leaves, items.map(odd), how="left").map(beside), "x", conclude=conclude)
    return p, lambda q: [f"{i}({o if number(o, 2) else None})" for i, o in each(q)]


def items_that_are_dropped() -> tuple[Pipeline, Expected]:
    p, items, leaves = start()
    p.output(join(leaves.map(odd), items).map(pair), "x", conclude=conclude)
    return p, lambda q: [f"{i}({o})" for i, o in each(q) if number(i, 2)]


def parents_that_are_dropped_before_their_items() -> tuple[Pipeline, Expected]:
    p = Pipeline("across", source=bytes)
    items = p.source.expand(outer, "o").map(odd)
    p.output(join(items.expand(inner, "i"), p.source).map(of_question), "x", conclude=conclude)
    return p, lambda q: [f"{i}<{q}" for i, o in each(q) if number(o, 2)]


def pairs_that_open_a_level() -> tuple[Pipeline, Expected]:
    p, items, leaves = start()
    p.output(join(leaves, items).expand(both, "again").map(mark), "x", conclude=conclude)
    return p, lambda q: [f"{text}!" for i, o in each(q) for text in (i, o)]


def pairs_that_are_paired_again() -> tuple[Pipeline, Expected]:
    p, items, leaves = start()
    once = join(leaves, items).map(pair)
    p.output(join(once, p.source).map(of_question), "x", conclude=conclude)
    return p, lambda q: [f"{i}({o})<{q}" for i, o in each(q)]


def pairs_that_are_folded_and_joined() -> tuple[Pipeline, Expected]:
    p, items, leaves = start()
    folded = join(leaves, items).map(pair).aggregate(Evidence())
    p.output(join(items, folded).map(pair, name="pair_again"), "x", conclude=conclude)
    return p, lambda q: [f"{o}({joined([f'{i}({o})' for i in parts('i', o)])})" for o in parts("o", q)]


def words_with_the_item_they_were_written_for() -> tuple[Pipeline, Expected]:
    p, items, _ = start()
    written = items.expand(lines, "line", cut="lines", item=Text)
    p.output(join(written.cut("word", at="words", item=Text), items).map(pair), "x", conclude=conclude)
    p.publish(p.streams[1], "aside")
    return p, lambda q: [f"{w}({o})" for o in parts("o", q) for x in parts("l", o) for w in x.split(".")]


def three_streams() -> tuple[Pipeline, Expected]:
    p, items, leaves = start()
    p.output(join(items.map(mark), leaves, items).map(triple), "x", conclude=conclude)
    return p, lambda q: [f"{o}!({i})({o})" for i, o in each(q)]


SHAPES = [
    an_item_with_its_parent,
    a_parent_with_each_of_its_items,
    an_item_with_the_question_two_levels_up,
    an_item_with_the_result_of_a_sibling_branch,
    an_item_with_all_of_its_siblings,
    an_item_with_all_of_the_question,
    parents_that_are_dropped,
    parents_that_are_dropped_in_a_left_join,
    items_that_are_dropped,
    parents_that_are_dropped_before_their_items,
    pairs_that_open_a_level,
    pairs_that_are_paired_again,
    pairs_that_are_folded_and_joined,
    words_with_the_item_they_were_written_for,
    three_streams,
]


@pytest.mark.parametrize("shape", SHAPES)
def test_it_gives_what_a_nested_loop_gives(shape: Callable[[], tuple[Pipeline, Expected]]) -> None:
    pipeline, expected = shape()
    assert any(expected(q) for q in QUESTIONS)
    assert run(pipeline, QUESTIONS).outcomes == {q: json.dumps(expected(q)).encode() for q in QUESTIONS}
    play(pipeline, expected)


def play(pipeline: Pipeline, expected: Expected) -> None:
    wanted = {q: json.dumps(expected(q)).encode() for q in QUESTIONS}
    for seed in SEEDS:
        assert simulate(pipeline, QUESTIONS, seed, Faults(every=15)).outcomes == wanted


def fickle(script: Script) -> Pipeline:
    """Other words in each run; every claim is paired with all claims of its sentence, and with the sentence."""

    async def answer(question: bytes, ctx: Context) -> AsyncIterator[Text]:
        async for child in script._expand("s", question.decode()):
            yield Text(child)

    async def extract(sentence: Text, ctx: Context) -> AsyncIterator[Text]:
        async for child in script._expand("c", sentence.text):
            yield Text(child)

    async def own(claim: Text, sentence: Text, ctx: Context) -> Text:
        assert claim.text.startswith(sentence.text + "/"), "a claim of another sentence"
        return Text(claim.text)

    p = Pipeline("fickle", source=bytes)
    sentences = p.source.expand(answer, "sentence")
    claims = sentences.expand(extract, "claim", concurrency=3)
    p.output(join(claims, sentences).map(own), "claim", conclude=conclude)
    return p


def check(result: Result, script: Script) -> None:
    """The claims of an outcome come, for each sentence of one run, whole from one run."""
    for question, outcome in result.outcomes.items():
        found = json.loads(outcome)
        histories: list[bool] = []
        for sentences in script.completed["s", question]:
            mine = [[claim for claim in found if claim.startswith(s + "/")] for s in sentences]
            whole = all(m in script.completed["c", s] for s, m in zip(sentences, mine, strict=True))
            histories.append(whole and list(chain(*mine)) == found)
        assert any(histories), f"the outcome of {question} mixes runs, or misses items: {found}"


def test_words_that_change_with_each_run_never_mix() -> None:
    for seed in SEEDS:
        script = Script(seed)
        simulate(fickle(script), QUESTIONS, seed, Faults(budget=60, every=15), check=lambda r, s=script: check(r, s))


def without_holding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Acknowledges what it pairs as it comes, though it is not handed on yet."""
    receive = StageLogic.receive

    def hasty(self: StageLogic, record: Record, delivery: Delivery, *rest: int) -> list[Effect]:
        effects = receive(self, record, delivery, *rest)
        return [*effects, Acknowledge((delivery,))] if self.stage.kind == PAIR else effects

    monkeypatch.setattr(StageLogic, "receive", hasty)


def without_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opens the levels again without saying how many items there are."""
    sends = Pairing.sends
    monkeypatch.setattr(Pairing, "sends", lambda self: [s for s in sends(self) if s.record.kind is not Kind.COUNT])


def without_empty_items(monkeypatch: pytest.MonkeyPatch) -> None:
    """Says nothing of items that were dropped."""
    sends = Pairing.sends
    monkeypatch.setattr(Pairing, "sends", lambda self: [s for s in sends(self) if s.record.kind is not Kind.EMPTY])


@pytest.mark.parametrize("broken", [without_holding, without_counts, without_empty_items])
def test_some_seed_fails_without(broken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch)
    with pytest.raises(SimulationError, match=r"have not ended|is committed"):
        play(*items_that_are_dropped())
