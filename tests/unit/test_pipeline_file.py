"""pipeline.yaml: printed from the code, read back equal, and every difference told by line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from alto_streams.deployment import FileError, check_pipeline, pipeline_yaml, read_pipeline, topology
from alto_streams.pipeline import Pipeline
from stages.graph import pipeline as factool
from tests.pipelines.small import pipeline as small
from topics import names
from topics.definitions import definitions

PRINTED = pipeline_yaml(factool)
DOCS = Path(__file__).parents[2] / "docs/deployment.md"


@pytest.mark.parametrize("pipeline", [factool, small], ids=["factool", "small"])
def test_what_is_printed_reads_back_equal(pipeline: Pipeline, tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(pipeline_yaml(pipeline))
    assert read_pipeline(file.read_text(), "p.yaml") == topology(pipeline)
    assert check_pipeline(file, pipeline) == topology(pipeline)


def test_it_says_what_the_plan_says() -> None:
    found = read_pipeline(PRINTED, "p.yaml")
    for stage in factool.plan.stages:
        queue = found.queues[names.stage_input("factool", stage.name)]
        constraint = () if stage.key_depth is None else ("question", *stage.levels[: stage.key_depth])
        assert queue.key == constraint, stage.name
        assert [i.levels[1:] for i in queue.inputs] == [port.levels for port in stage.ports]
    assert found.resources == {"lm": ("answer", "extract_claims", "generate_queries", "appraise")}
    assert found.queues["factool.stage.bm25"].key[-1] == "query"
    assert found.queues["factool.stage.encode_query"].key == ()


@pytest.mark.parametrize("pipeline", [factool, small], ids=["factool", "small"])
def test_its_queues_are_topics_that_are_provisioned(pipeline: Pipeline) -> None:
    provisioned = {t.name for t in definitions(pipeline.name, {s.name: 1 for s in pipeline.plan.stages})}
    not_queues = {names.dead_letters(pipeline.name), names.routing(pipeline.name)}
    assert set(topology(pipeline).queues) == provisioned - not_queues


def test_the_docs_show_what_is_printed() -> None:
    shown = DOCS.read_text().split("<!-- pipeline.yaml -->\n```yaml\n")[1].split("```")[0]
    excerpts = [part.strip("\n") for part in shown.split("  # ...\n")]
    assert len(excerpts) > 2
    for part in excerpts:
        assert part in PRINTED


def test_the_docs_show_the_example() -> None:
    shown = DOCS.read_text().split("<!-- examples/deployment.yaml -->\n```yaml\n")[1].split("```")[0]
    assert shown == (DOCS.parents[1] / "examples/deployment.yaml").read_text()


def place(of: str, after: str = "") -> tuple[int, int]:
    """Line and column, from 1, of a text in what is printed."""
    at = PRINTED.index(of, PRINTED.index(after))
    return PRINTED.count("\n", 0, at) + 1, at - PRINTED.rfind("\n", 0, at)


BM25_KEY = "[question, sentence, claim, query]"


@pytest.mark.parametrize(
    ("old", "new", "where", "said"),
    [
        ("pipeline: factool", "pipeline: other", (2, 11), "pipeline is 'other', but 'factool' in the code"),
        ("  answer:\n", "  reply:\n", place("answer:"), "the code has no stage 'reply'"),
        ("  lm: [", "  gpu: [", place("lm: ["), "the code has no resource 'gpu'"),
        (
            "runs: stages.answer:answer",
            "runs: stages.answer:reply",
            place("stages.answer:answer"),
            "runs of stage 'answer' is 'stages.answer:reply', but 'stages.answer:answer' in the code",
        ),
        (
            "opens: [claim]",
            "opens: [fact]",
            place("[claim]"),
            "opens of stage 'extract_claims' is [fact], but [claim] in the code",
        ),
        (
            "concurrency: 8",
            "concurrency: 9",
            place("8", "concurrency"),
            "concurrency of stage 'answer' is 9, but 8 in the code",
        ),
        (
            "lm: [answer, ",
            "lm: [",
            place("[answer, "),
            "resource 'lm' is [extract_claims, generate_queries, appraise], but [answer, ",
        ),
        (
            f"reader: bm25\n    key: {BM25_KEY}",
            "reader: bm25\n    key: []",
            place(BM25_KEY, "reader: bm25"),
            f"key of queue 'factool.stage.bm25' is [], but {BM25_KEY} in the code",
        ),
        (
            "type: QueryVectors",
            "type: Query",
            place("QueryVectors", "queues"),
            "type of input 2 of queue 'factool.stage.rerank' is 'Query', but 'QueryVectors' in the code",
        ),
        (
            "        operator: stages.best_evidence:BestEvidence\n",
            "",
            place("stream: rerank", "  appraise:"),
            "operator of read 2 of stage 'appraise' is not set, but 'stages.best_evidence:BestEvidence'",
        ),
    ],
)
def test_a_difference_is_told_by_line_and_column(
    old: str, new: str, where: tuple[int, int], said: str, tmp_path: Path
) -> None:
    _differs(PRINTED.replace(old, new, 1), where, said, tmp_path)


def test_what_is_missing_is_told_where_it_should_be(tmp_path: Path) -> None:
    start, end = PRINTED.index("  factool.progress:"), len(PRINTED)
    _differs(
        PRINTED[:start] + PRINTED[end:],
        place("factool.questions:", "queues:"),
        "the code has queue 'factool.progress', which is missing here",
        tmp_path,
    )
    fewer = PRINTED.replace("      - stream: bm25\n        type: Hits\n        levels: " + BM25_KEY + "\n", "", 1)
    _differs(
        fewer,
        place("- stream: bm25"),
        "inputs of queue 'factool.stage.rerank' is [encode_query], but [bm25, encode_query] in the code",
        tmp_path,
    )


def _differs(text: str, where: tuple[int, int], said: str, folder: Path) -> None:
    assert text != PRINTED
    file = folder / "pipeline.yaml"
    file.write_text(text)
    read_pipeline(text, "p.yaml")  # it describes a pipeline, though not this one
    with pytest.raises(FileError) as raised:
        check_pipeline(file, factool)
    assert said in raised.value.message
    assert (raised.value.line, raised.value.column) == where, raised.value
    assert "print the file again" in raised.value.mend


HEAD = "pipeline: p\noutput: {stream: a, type: x, conclude: m:c}\nqueues: {}\n"


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("pipeline: p\n", 1, 1, "a pipeline has no 'stages'"),
        (f"{HEAD}stages: {{}}\nedges: {{}}\n", 5, 1, "a pipeline has no key 'edges'"),
        (f"{HEAD}stages: [a]\n", 4, 9, "stages must be a mapping, not a list"),
        (f"{HEAD}stages:\n  a:\n    kind: map\n    reads: [q]\n", 6, 5, "stage 'a' has no 'runs'"),
        (f"{HEAD}stages:\n  a: {{kind: map, level: [q]}}\n", 5, 18, "stage 'a' has no key 'level'"),
        (f"{HEAD}stages:\n  a: {{kind: 1, reads: [q], runs: m:f}}\n", 5, 13, "kind must be text, not '1'"),
        (f"{HEAD}stages:\n  a: {{kind: map, reads: q, runs: m:f}}\n", 5, 25, "reads must be a list, not 'q'"),
        (f"{HEAD}stages:\n  a: {{kind: map, reads: [1], runs: m:f}}\n", 5, 26, "an entry of reads must be text"),
        (
            f"{HEAD}stages:\n  a: {{kind: map, reads: [q], runs: m:f, concurrency: 0}}\n",
            5,
            54,
            "concurrency must be a whole number",
        ),
        (f"{HEAD}stages:\n  a: {{}}\n  a: {{}}\n", 6, 3, "'a' is here twice; line 5 has it too"),
        (f"{HEAD}stages:\n\ta: {{}}\n", 5, 1, "a tab"),
        (
            HEAD.replace("queues", "stages") + "queues:\n  t: {reader: a, key: [], inputs: [{stream: s}]}\n",
            5,
            36,
            "an input has no 'type'",
        ),
    ],
)
def test_what_describes_no_pipeline_is_told_by_line_and_column(text: str, line: int, column: int, said: str) -> None:
    with pytest.raises(FileError) as raised:
        read_pipeline(text, "p.yaml")
    assert raised.value.message.startswith(f"p.yaml:{line}:{column}: ")
    assert said in raised.value.message
    assert raised.value.mend


async def _letters(question, ctx):  # type: ignore[no-untyped-def]
    yield b"a"


async def _same(letter, ctx):  # type: ignore[no-untyped-def]
    return letter


def _nothing(question, items, failure):  # type: ignore[no-untyped-def]
    return b""


def test_names_that_look_like_something_else_are_read_back() -> None:
    pipeline = Pipeline("123", source=None)
    items = pipeline.source.expand(_letters, "null", name="yes")
    pipeline.output(items.map(_same, name="1e3"), "x", conclude=_nothing)
    assert read_pipeline(pipeline_yaml(pipeline), "p.yaml") == topology(pipeline)
