"""`alto doctor` on the pipeline and its deployment: readable, whole, and fitting together, in lines that say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alto_streams.cli.checks import Check, pipeline_and_deployment
from alto_streams.deployment import pipeline_yaml
from alto_streams.settings import Settings
from tests.pipelines.small import pipeline as small

SMALL = "tests.pipelines.small:pipeline"


def checked(**settings: Any) -> tuple[Check, Check]:
    chosen = Settings(**{"pipeline": SMALL, "deployment": None, "instances": "", **settings})
    pipeline, deployment = pipeline_and_deployment(chosen)
    assert (pipeline.name, deployment.name) == ("pipeline", "deployment")
    for check in (pipeline, deployment):
        assert check.ok or (check.blocks and check.mend)
    return pipeline, deployment


def test_a_pipeline_of_code() -> None:
    pipeline, deployment = checked()
    assert (pipeline.ok, pipeline.found) == (True, f"factool, 7 stages, from {SMALL}")
    assert (deployment.ok, deployment.found) == (
        True,
        "8 instances of 7 stages and the coordinator; no ALTO_DEPLOYMENT",
    )


def test_two_files_that_agree(tmp_path: Path) -> None:
    graph, counts = tmp_path / "pipeline.yaml", tmp_path / "deployment.yaml"
    graph.write_text(pipeline_yaml(small))
    counts.write_text("stages: {appraise: 3}\n")
    pipeline, deployment = checked(pipeline=str(graph), deployment=counts, instances="answer=2")
    assert (pipeline.ok, pipeline.found) == (True, f"factool, 7 stages, from {graph}")
    assert (deployment.ok, deployment.found) == (True, f"11 instances of 7 stages and the coordinator; {counts}")


def test_a_deployment_of_another_pipeline(tmp_path: Path) -> None:
    counts = tmp_path / "deployment.yaml"
    counts.write_text("stages:\n  bm52: 1\n")
    pipeline, deployment = checked(deployment=counts)
    assert pipeline.ok
    assert deployment.found == f"{counts}:2:3: pipeline 'factool' has no stage 'bm52'."
    assert deployment.mend.startswith("use one of answer, ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read: No such file"),
        ("", ":1:1: the file is empty."),
        ("pipeline: p\n", ":1:1: a pipeline has no 'stages'."),
    ],
)
def test_a_pipeline_that_is_wrong_leaves_the_deployment_to_be_read(text: str | None, said: str, tmp_path: Path) -> None:
    graph, counts = tmp_path / "pipeline.yaml", tmp_path / "deployment.yaml"
    if text is not None:
        graph.write_text(text)
    counts.write_text("stages: {answer: 2}\n")
    pipeline, deployment = checked(pipeline=str(graph), deployment=counts)
    assert not pipeline.ok
    assert said in pipeline.found
    assert deployment.found == f"{counts}; not held against the pipeline, which is wrong"
    counts.write_text("stages: {answer: 0}\n")
    assert "answer must be a whole number" in checked(pipeline=str(graph), deployment=counts)[1].found


def test_code_that_is_wrong() -> None:
    pipeline, _ = checked(pipeline="tests.pipelines.broken:pipeline")
    assert "cannot be imported: NameError" in pipeline.found
    _, deployment = checked(instances="bm52=2")
    assert "names stage 'bm52'" in deployment.found
