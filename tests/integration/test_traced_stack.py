"""Traces on a real Kafka: every run has a span, parents make one tree, failures and cancellations show."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alto_streams.admission import CANCEL
from ops.kafka.embedded import EmbeddedKafka
from perf.critical_path.path import Question as TracedQuestion
from perf.trace.__main__ import stages
from perf.trace.draw import Panel, draw
from perf.trace.runs import read
from schemas.question_pb2 import Question
from tests.pipelines.fleet import fleet

Line = dict[str, Any]
ANSWERED = [f"{number:032x}" for number in range(1, 4)]


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder, once three questions are answered, one has failed and one was cancelled."""
    folder = tmp_path_factory.mktemp("traced")
    kafka = EmbeddedKafka(folder / "kafka")
    kafka.start()
    try:
        with pytest.MonkeyPatch.context() as env:
            env.setenv("ALTO_TRACE", str(folder / "traces"))
            env.setenv("ALTO_ENGINE_URL", "emulated:")
            instances = {"sorted_words": 2, "extract_claims": 2}
            with fleet(kafka.bootstrap, folder, instances, "tests.pipelines.emulated:pipeline") as running:
                for question in ANSWERED:
                    running.ask(question, Question(text=f"Who wrote {question}?").SerializeToString())
                running.ask("failing", Question(text="fail").SerializeToString())
                running.collect(4)
                running.ask("unwanted", Question(text="sleep").SerializeToString())
                running.collect_for(1.5)
                running.ask("unwanted", b"", {"type": CANCEL})
                running.collect(5)
                running.collect_for(1.0)
        yield folder / "traces"
    finally:
        kafka.stop()


@pytest.fixture(scope="module")
def lines(traces: Path) -> dict[str, list[Line]]:
    found = defaultdict(list)
    for file in traces.glob("*.jsonl"):
        for text in file.read_text().splitlines():
            line = json.loads(text)
            found[line["question"]].append(line)
    return found


def outputs(lines: list[Line], stage: str, depth: int, kind: str = "item") -> int:
    """How many records of a kind the runs of a stage sent, so many levels below them."""
    return sum(
        output[1] == kind and len(output[2]) == depth
        for line in lines
        if line["stage"] == stage
        for output in line["outputs"]
    )


@pytest.mark.parametrize("question", ANSWERED)
def test_every_run_has_a_span(lines: dict[str, list[Line]], question: str) -> None:
    traced = lines[question]
    assert not any("failure" in line for line in traced)
    runs = Counter(line["stage"] for line in traced)
    sentences, claims = outputs(traced, "answer", 1), outputs(traced, "extract_claims", 1)
    queries, words = outputs(traced, "generate_queries", 1), outputs(traced, "generate_queries", 2)
    assert min(sentences, claims, queries) > 0
    assert runs == {
        "coordinator": 1,
        "answer": 1,
        "extract_claims": sentences,
        "generate_queries": claims,
        "sorted_words": queries,
        "encode_query": queries,
        "rerank": queries,
        "appraise": claims,
    }
    folded = sum(line["fold"][2] for line in traced if line["stage"] == "sorted_words")
    assert folded == words + queries  # and the count of each query's words


@pytest.mark.parametrize("question", ANSWERED)
def test_parents_make_one_tree(lines: dict[str, list[Line]], question: str) -> None:
    parents = {line["span"]: line.get("parent") for line in lines[question]}
    stage_of = {line["span"]: line["stage"] for line in lines[question]}
    assert len(parents) == len(lines[question])
    [root] = [span for span, parent in parents.items() if parent is None]
    assert stage_of[root] == "coordinator"
    for span in parents:
        above, steps = parents[span], 0
        while above is not None:
            span, above, steps = above, parents[above], steps + 1
            assert steps < 20
        assert span == root
    assert {line["trace"] for line in lines[question]} == {question}
    makers = {(line["stage"], stage_of[line["parent"]]) for line in lines[question] if "parent" in line}
    assert ("answer", "coordinator") in makers
    assert ("generate_queries", "extract_claims") in makers
    assert {maker for reader, maker in makers if reader == "sorted_words"} == {"generate_queries"}
    assert {maker for reader, maker in makers if reader == "appraise"} <= {
        "extract_claims",
        "generate_queries",
        "rerank",
    }


def test_engine_requests_are_in_it(lines: dict[str, list[Line]]) -> None:
    for line in lines[ANSWERED[0]]:
        asks = line["stage"] in ("answer", "extract_claims", "generate_queries")
        assert [call["model"] for call in line.get("engine", ())] == (["emulated"] if asks else [])
        for call in line.get("engine", ()):
            assert call["prompt"] == line["stage"]
            assert line["begun"] <= call["submitted"] < call["ended"] <= line["ended"]
            times = [at for at, _ in call["chunks"]]
            assert times
            assert times == sorted(times)


def test_a_failure_shows(lines: dict[str, list[Line]]) -> None:
    found = {line["stage"]: (line.get("status"), line.get("failure")) for line in lines["failing"]}
    assert found == {"answer": ("failed", "stage_failed"), "coordinator": ("failed", "stage_failed")}


def test_a_cancellation_shows(lines: dict[str, list[Line]]) -> None:
    found = {line["stage"]: (line.get("status"), line.get("failure")) for line in lines["unwanted"]}
    assert found == {"answer": ("cancelled", "cancelled"), "coordinator": ("failed", "cancelled")}


def test_its_way_adds_up_and_holds_the_critical_path(traces: Path) -> None:
    traced = read(traces)
    assert traced.keys() == set(ANSWERED)
    for runs in traced.values():
        question = TracedQuestion(runs)
        assert sum(segment.seconds for segment in question.segments()) == pytest.approx(question.latency_s, abs=1e-4)
        engine = sum(segment.seconds for segment in question.segments() if segment.what == "engine")
        assert 0 < engine <= question.critical_s() + 1e-3
        assert question.critical_s() <= question.critical_s(retrieval=True) < question.latency_s


def test_it_can_be_drawn(traces: Path, tmp_path: Path) -> None:
    traced = read(traces)
    panels = [Panel("One", traced[ANSWERED[0]]), Panel("Another", traced[ANSWERED[1]])]
    draw(panels, stages(traced[ANSWERED[0]]), tmp_path / "trace.svg")
    assert "<svg" in (tmp_path / "trace.svg").read_text()
