"""A coordinator that takes partitions over: nobody else may end their questions before it looks for what has ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from faust.types import TP

from alto_streams.errors import BrokerError
from alto_streams.plan import COORDINATOR
from alto_streams.runtime.worker import Worker
from alto_streams.settings import Settings
from tests.pipelines.small import pipeline
from topics import names

INPUT = names.stage_input(pipeline.name, COORDINATOR)


class Outcomes:
    """Who was the owner before has ended a question just before it is fenced."""

    def __init__(self) -> None:
        self.published: list[str] = []
        self.owned: set[int] = set()
        self.refuses = False

    async def take(self, partitions: list[int]) -> None:
        if self.refuses:
            raise BrokerError("Kafka does not take the transactions.", "check the broker")
        self.published.append("q")
        self.owned |= {*partitions}

    def give_up(self, partitions: set[int]) -> None:
        self.owned -= partitions


@pytest.fixture
def outcomes() -> Outcomes:
    return Outcomes()


@pytest.fixture
def worker(tmp_path: Path, outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch) -> Worker:
    made = Worker(pipeline, pipeline.plan.stage(COORDINATOR), "0", Settings(brokers="127.0.0.1:1", home=tmp_path))
    monkeypatch.setattr(made, "_outcomes", outcomes)
    monkeypatch.setattr("alto_streams.runtime.worker.ended_questions", lambda *_: list(outcomes.published))
    return made


async def test_the_owner_before_is_fenced_first(
    worker: Worker, outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered: dict[int, list[str]] = {}
    monkeypatch.setattr(
        worker._instance.logic, "remember", lambda partition, ended, _until: remembered.update({partition: ended})
    )
    await worker._assigned(None, {TP(INPUT, 0), TP(INPUT, 2), TP(names.questions(pipeline.name), 1)})
    assert remembered == {0: ["q"], 2: ["q"]}
    assert outcomes.owned == {0, 2}
    await worker._revoked(None, {TP(INPUT, 2)})
    assert outcomes.owned == {0}


async def test_a_worker_that_cannot_fence_it_ends(worker: Worker, outcomes: Outcomes) -> None:
    outcomes.refuses = True
    await worker._assigned(None, {TP(INPUT, 0)})
    assert "does not take the transactions" in str(worker._reason)
