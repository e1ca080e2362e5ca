"""What a join across levels is deployed as: a stage that pairs, keyed at the shallower level, before its reader."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from io import StringIO
from pathlib import Path

from rich.console import Console

from alto_streams.cli.pipeline import tree
from alto_streams.context import Context
from alto_streams.deployment import check_pipeline, pipeline_yaml, topology
from alto_streams.describe import describe, mermaid
from alto_streams.failure import Failure
from alto_streams.pipeline import Pipeline, join
from alto_streams.plan import Target
from schemas.claim_pb2 import Claim
from schemas.question_pb2 import Question
from schemas.sentence_pb2 import Sentence


async def answer(question: Question, ctx: Context) -> AsyncIterator[Sentence]:
    yield Sentence()


async def extract(sentence: Sentence, ctx: Context) -> AsyncIterator[Claim]:
    yield Claim()


async def check(claim: Claim, question: Question | None, ctx: Context) -> Claim | None:
    return claim


def conclude(question: str, claims: Sequence[Claim], failure: Failure | None) -> bytes:
    return b""


def pipeline() -> Pipeline:
    p = Pipeline("p", source=Question)
    claims = p.source.expand(answer, "sentence").expand(extract, "claim")
    p.output(join(claims, p.source, how="left").map(check), "claim", conclude=conclude)
    return p


def test_the_stage_that_pairs_is_keyed_at_the_shallower_level_and_its_reader_at_the_deeper_one() -> None:
    plan = pipeline().plan
    assert [stage.name for stage in plan.stages] == ["answer", "extract", "check_pairs", "check", "coordinator"]
    pairs, check = plan.stage("check_pairs"), plan.stage("check")
    assert (pairs.key_depth, check.key_depth) == (0, 2)
    assert pairs.items == [Target("check", 0, 2), Target("check", 1, 2)]
    assert [port.optional for port in check.ports] == [False, True]


def test_who_pairs_is_told_the_counts_of_the_deeper_levels_and_tells_them_on() -> None:
    plan = pipeline().plan
    coordinator = Target("coordinator", 1, 0)
    assert plan.stage("answer").item_counts == plan.stage("extract").item_counts == [Target("check_pairs", 0, 0)]
    assert plan.stage("check_pairs").recounts == [[coordinator], [coordinator]]


def test_it_is_told_to_people_and_in_the_file(tmp_path: Path) -> None:
    p, shown = pipeline(), StringIO()
    pairs, check = describe(p)[2:4]
    assert pairs.reads == ("extract (every sentence, claim)", "the questions")
    assert check.reads == ("check_pairs", "check_pairs or None")
    assert mermaid(p).count("check_pairs -->|Claim| check\n") == 1
    Console(file=shown, width=100).print(tree(p))
    assert "check_pairs pair" in shown.getvalue()
    file = tmp_path / "pipeline.yaml"
    file.write_text(pipeline_yaml(p))
    assert check_pipeline(file, p) == topology(p)
