"""When a worker says that it is ready: with its first partitions, of whichever topic, or when it stands by."""

from __future__ import annotations

from pathlib import Path

import pytest
from faust.types import TP

from alto_streams.plan import COORDINATOR
from alto_streams.runtime.worker import Worker
from alto_streams.settings import Settings
from tests.pipelines.small import pipeline
from topics import names


async def test_a_coordinator_that_takes_questions_alone_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two coordinators, Kafka may give one all partitions of one topic and the other all of the other."""
    ready = tmp_path / "ready"
    monkeypatch.setenv("ALTO_READY_FILE", str(ready))
    chosen = Settings(brokers="127.0.0.1:1", home=tmp_path)
    worker = Worker(pipeline, pipeline.plan.stage(COORDINATOR), "1", chosen)
    await worker._assigned(None, set())
    assert not ready.exists()
    await worker._assigned(None, {TP(names.questions(pipeline.name), 2)})
    assert ready.exists()


async def test_one_that_gets_no_partition_is_ready_to_stand_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = tmp_path / "ready"
    monkeypatch.setenv("ALTO_READY_FILE", str(ready))
    monkeypatch.setattr("alto_streams.runtime.worker.SPARE_AFTER_S", 0.01)
    worker = Worker(pipeline, pipeline.plan.stage(COORDINATOR), "9", Settings(brokers="127.0.0.1:1", home=tmp_path))
    await worker._stand_by()
    assert ready.exists()
