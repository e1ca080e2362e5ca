"""A coordinator that takes partitions over: what it does before it looks for what has ended."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
from faust.types import TP

from alto_streams.plan import COORDINATOR
from alto_streams.runtime.worker import Worker
from alto_streams.settings import Settings
from tests.pipelines.small import pipeline
from topics import names

PARTITION = TP(names.stage_input(pipeline.name, COORDINATOR), 0)


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    return Worker(pipeline, pipeline.plan.stage(COORDINATOR), "0", Settings(brokers="127.0.0.1:1", home=tmp_path))


async def test_outcomes_under_way_are_delivered_before_outcomes_are_read(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka was away: the partitions were lost, and the outcome that was sent last is not in its topic yet."""
    delivered: list[str] = []

    async def flush() -> None:
        await asyncio.sleep(0.05)
        delivered.append("q")

    worker.app.producer = SimpleNamespace(flush=flush)
    monkeypatch.setattr("alto_streams.runtime.worker.ended_questions", lambda *_: list(delivered))
    remembered: dict[int, list[str]] = {}
    monkeypatch.setattr(
        worker._instance.logic, "remember", lambda partition, ended, _until: remembered.update({partition: ended})
    )
    await worker._assigned(None, {PARTITION})
    assert remembered == {0: ["q"]}


async def test_a_worker_whose_outcomes_stay_under_way_ends(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is started again: another attempt to end these questions would not be known for one."""
    worker.app.producer = SimpleNamespace(flush=lambda: asyncio.sleep(60))
    monkeypatch.setattr("alto_streams.runtime.worker.RECOVER_FLUSH_S", 0.01)
    await worker._assigned(None, {PARTITION})
    assert "did not take what was sent before" in str(worker._reason)
