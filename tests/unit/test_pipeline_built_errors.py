"""What is wrong in a pipeline.yaml, or in the graph that it describes, is told by line and column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alto_streams.context import Context
from alto_streams.deployment import FileError, build_pipeline, load_pipeline, pipeline_yaml
from alto_streams.errors import SettingError
from examples.pipelines import best_of_n, rag
from schemas.claim_pb2 import Claim

TEXT = Path(rag.__file__).with_suffix(".yaml").read_text()


def at(of: str, after: str = "") -> tuple[int, int]:
    """Line and column, from 1, of a text in the example."""
    start = TEXT.index(of, TEXT.index(after))
    return TEXT.count("\n", 0, start) + 1, start - TEXT.rfind("\n", 0, start)


SUPPORTS = at("examples.pipelines.rag:supports")
WRONG = [
    ("kind: filter", "kind: sieve", at("filter"), "stage 'enough' is of kind 'sieve'"),
    ("reads: [candidates]", "reads: [candidate]", at("candidates]"), "stage 'supports' reads 'candidate', which is no"),
    ("reads: [enough]", "reads: [enough.word]", at("enough]"), "'enough' is not cut at a finer level 'word'"),
    ("  supports:\n", "  write:\n", at("supports:"), "'write' is here twice; line 12 has it too"),
    ("rag:supports", "rag:support", SUPPORTS, "has no 'support'"),
    ("rag:supports", "gar:supports", SUPPORTS, "there is no module 'examples.pipelines.gar'"),
    ("examples.pipelines.rag:supports", "supports", SUPPORTS, "which is no import path"),
    ("with: {k: 2, key: score}", "with: {k: 0}", at("code: alto_streams.operators:TopK"), "TopK cannot keep 0 items"),
    (
        "with: {k: 2, key: score}",
        "with: {n: 2}",
        at("code: alto_streams.operators:TopK"),
        "what stage 'best' runs cannot be",
    ),
    ("k: 2, key", "k: 0x2, key", at("2, key"), "'k' of what stage 'best' runs is '0x2', which can be read in two ways"),
    ("reads: [write, best]", "reads: [write, enough]", at("cite:"), "reads list[Support], but its input carries"),
    ("kind: filter", "kind: expand", at("enough:"), "stage 'enough' is an expand, and opens no levels"),
    ("kind: filter", "kind: aggregate", at("examples.pipelines.rag:enough"), "what stage 'enough' runs is no operator"),
    ("rag:retrieve\n", "rag:cite\n", at("retrieve:"), "Stage 'retrieve' reads 2 inputs, but its stream has 1"),
    (
        "opens: [passage]",
        "opens: [passage]\n    cut: [line]",
        at("retrieve:"),
        "cuts text at 1 quanta, and emits 0 types",
    ),
    ("lm: [write, supports]", "gpu: [write]", at("write:"), "Stage 'write' uses pool 'gpu', which does not exist"),
    ("lm: [write, supports]", "lm: [writes]", at("write, supports]"), "resource 'lm' names stage 'writes'"),
    ("lm: [write, supports]", "lm: [best]", at("write, supports]"), "stage 'best' is an aggregate"),
    ("stream: cite", "stream: cites", at("cite", "output:"), "the output is 'cites', which is no stage"),
    ("rag:conclude", "rag:enough", at("stream: cite"), "cannot say that a question failed"),
    ("reads: [write, best]", "reads: [write]", at("cite:"), "Stage 'cite' reads 2 inputs"),
    (
        "opens: [candidate]",
        "opens: [candidate]\n    levels: [question]",
        (33, 13),
        "levels of stage 'candidates' is [question]",
    ),
    ("\nresources:", "\nqueues: {}\nresources:", (None, 9), "the graph has queue 'rag.questions', which is missing"),
    (
        "folds: [passage]\n        operator:\n",
        "folds: [passage]\n        operators:\n",
        at("operator:"),
        "no key 'operators'",
    ),
    ("reads: [candidates]", "reads: [candidates]\n    join: left", (37, 5), "there is nothing to join with"),
    ("rag:cite", "rag:cite\n    join: outer", at("cite:"), "A join cannot be 'outer'"),
    ("pipeline: rag\n", "pipeline: r a g\n", at("rag\nsource"), "'r a g' cannot name a pipeline"),
]


@pytest.mark.parametrize(("old", "new", "where", "said"), WRONG)
def test_a_mistake_is_told_by_line_and_column(old: str, new: str, where: tuple[int | None, int], said: str) -> None:
    assert old in TEXT
    with pytest.raises(FileError) as raised:
        build_pipeline(TEXT.replace(old, new, 1), "p.yaml")
    assert said in raised.value.message
    assert raised.value.mend
    assert "\n" not in str(raised.value)
    assert (where[0] or raised.value.line, where[1]) == (raised.value.line, raised.value.column), raised.value


def test_a_loop_is_told_with_its_stages() -> None:
    text = TEXT.replace("reads: [write]\n", "reads: [enough]\n", 1)
    with pytest.raises(FileError) as raised:
        build_pipeline(text, "p.yaml")
    assert "the stages form a loop: candidates reads enough reads supports reads candidates" in raised.value.message


def test_a_stage_that_nobody_reads_is_told_at_its_line() -> None:
    idle = f"  idle:\n    kind: map\n    reads: [enough]\n    runs: {__name__}:idle\n\nresources:"
    with pytest.raises(FileError, match="Nobody reads stage 'idle'") as raised:
        build_pipeline(TEXT.replace("resources:", idle, 1), "p.yaml")
    assert (raised.value.line, raised.value.column) == (at("resources:")[0], 3)


async def idle(support: Any, ctx: Context) -> Claim:
    return Claim()


def test_a_cut_that_nobody_reads_is_told() -> None:
    text = pipeline_yaml(best_of_n.pipeline)
    line = "'examples.pipelines.messages_pb2:Line'"
    solve, rest = text[: text.index("  solution:")], text[text.index("  solution:") :]
    solve = solve.replace("[step]", "[step, word]", 1).replace("[line]", "[line, word]", 1)
    solve = f"{line}, {line}".join(solve.rsplit(line, 1))
    with pytest.raises(FileError, match=r"nobody reads 'solve\.word'"):
        build_pipeline(solve + rest, "p.yaml")


def test_an_operator_with_resources_is_told_to_be_a_stage() -> None:
    reads = "reads: [write, {stream: enough, operator: stages.bm25:Bm25}]"
    with pytest.raises(FileError, match=r"has an open\(\).*write a stage of kind aggregate") as raised:
        build_pipeline(TEXT.replace("reads: [write, best]", reads), "p.yaml")
    assert (raised.value.line, raised.value.column) == at("best]")


def test_levels_are_not_folded_with_nothing() -> None:
    reads = "reads: [write, {stream: enough, folds: [candidate]}]"
    with pytest.raises(FileError, match="stage 'cite' folds candidate with no operator") as raised:
        build_pipeline(TEXT.replace("reads: [write, best]", reads), "p.yaml")
    assert (raised.value.line, raised.value.column) == at("best]")


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(SettingError, match="cannot be read"):
        load_pipeline(Path("none.yaml"))
