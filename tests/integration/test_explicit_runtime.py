"""The explicit FacTool on a real Kafka: the same runtime, and the same outcomes as the graph's, kills included."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from ops.kafka.embedded import EmbeddedKafka
from schemas.outcome_pb2 import Outcome
from schemas.question_pb2 import Question
from tests.pipelines.fleet import Fleet, fleet
from tests.pipelines.small import expected

pytestmark = pytest.mark.timeout(300)  # eleven processes to start, and four of them again


@pytest.fixture(scope="module")
def running(kafka: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("explicit")
    with fleet(
        kafka.bootstrap, folder, {"bm25": 2, "appraise": 2}, "tests.pipelines.explicit_small:pipeline"
    ) as started:
        yield started


def ask(running: Fleet, prefix: str, count: int) -> list[str]:
    names = [f"{prefix}-{index}" for index in range(count)]
    for name in names:
        running.ask(name, Question(text=name).SerializeToString())
    return names


def check(running: Fleet, names: list[str]) -> None:
    for name in names:
        (ended,) = running.outcomes[name]
        assert ended.status == Outcome.COMPLETE, ended.failure
        assert [claim.claim for claim in ended.claims] == expected(name)
        assert len({claim.claim_id for claim in ended.claims}) == len(ended.claims)


def test_many_questions_at_once_end_with_the_graphs_outcomes(running: Fleet) -> None:
    names = ask(running, "many", 30)
    running.collect(len(running.outcomes) + 30)
    check(running, names)


def test_a_failing_stage_ends_its_question_and_no_other(running: Fleet) -> None:
    running.ask("failing", Question(text="please fail").SerializeToString())
    running.collect(len(running.outcomes) + 1)
    (ended,) = running.outcomes["failing"]
    assert (ended.failure.stage, ended.failure.kind) == ("answer", "stage_failed")
    names = ask(running, "after", 1)
    running.collect(len(running.outcomes) + 1)
    check(running, names)


def test_a_stage_that_holds_sets_may_be_killed(running: Fleet) -> None:
    before = len(running.outcomes)
    names = ask(running, "killed", 40)
    running.producer.flush(10)
    time.sleep(0.3)
    for stage in ("bm25", "appraise", "extract_claims", "end_question"):
        running.kill(stage)
        running.start(stage)
    running.collect(before + 40)
    running.collect_for(1)
    check(running, names)
