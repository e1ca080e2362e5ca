"""A client that has forgotten Kafka's brokers is replaced, or its process says so and ends.

That librdkafka forgets them takes a moment of a broker's shutdown that a test cannot choose; so it is only said of
them. The rest is a real broker.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from alto_streams.client import AltoClient
from alto_streams.controller.publish import publish_routing
from alto_streams.controller.tables import TableFollower
from alto_streams.errors import BrokerError
from alto_streams.known_brokers import KnownBrokers
from alto_streams.pipeline import Pipeline
from alto_streams.runtime.worker import Worker
from alto_streams.settings import Settings
from schemas.question_pb2 import Question
from tests.pipelines.scripted import ScriptedPipeline, ordinary
from tests.pipelines.small import answer, conclude, extract_claims, state
from topics.definitions import definitions
from topics.provision import provision

Forget = Callable[[KnownBrokers], None]


@pytest.fixture
def forget(monkeypatch: pytest.MonkeyPatch) -> Forget:
    """From now on these clients have."""
    forgetful: list[KnownBrokers] = []
    monkeypatch.setattr(KnownBrokers, "forgotten", property(lambda self: self in forgetful))
    return forgetful.append


async def until(true: Callable[[], object], limit_s: float = 20) -> None:
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


@pytest.fixture
def scripted(kafka: Any) -> Iterator[ScriptedPipeline]:
    with ScriptedPipeline(kafka.bootstrap, f"forgotten-{uuid4().hex[:8]}") as running:
        running.script = ordinary
        yield running


async def test_a_client_asks_and_reads_on(kafka: Any, scripted: ScriptedPipeline, forget: Forget) -> None:
    async with AltoClient(kafka.bootstrap, scripted.name, deadline_s=20) as client:
        tail: Any = client._tail
        for _ in range(2):
            events = [event.type async for event in client.ask("one")]
            assert events[-1] == "outcome"
            reads, sends = tail._known, client._known
            forget(reads)
            forget(sends)
            await until(lambda reads=reads, sends=sends: tail._known is not reads and client._known is not sends)


async def test_what_came_while_a_reader_was_replaced_is_read(
    kafka: Any, scripted: ScriptedPipeline, forget: Forget
) -> None:
    async with AltoClient(kafka.bootstrap, scripted.name, deadline_s=20) as client:
        asked = [asyncio.create_task(anext(client.ask(f"question {i}"))) for i in range(50)]
        tail: Any = client._tail
        reads = tail._known
        forget(reads)
        assert len(await asyncio.gather(*asked)) == 50
        assert tail._known is not reads


async def test_the_follower_of_routing_tables_learns_the_next_one(kafka: Any, forget: Forget) -> None:
    name = f"forgotten-{uuid4().hex[:8]}"
    provision(kafka.bootstrap, definitions(name, {"a": 1, "b": 2}))
    publish_routing(kafka.bootstrap, name, {"a": 1, "b": 1})
    learned: list[int] = []
    follower: Any = TableFollower(kafka.bootstrap, name, lambda table: learned.append(table.epoch))
    try:
        await until(lambda: 1 in learned)
        known = follower._known
        forget(known)
        await until(lambda: follower._known is not known)
        publish_routing(kafka.bootstrap, name, {"a": 1, "b": 2})
        await until(lambda: 2 in learned)
    finally:
        follower.close()


@pytest.mark.parametrize("which", ["consumer", "producer"])
async def test_a_worker_ends_with_an_error_that_says_why(
    kafka: Any, tmp_path: Path, which: str, forget: Forget
) -> None:
    pipeline = small(f"forgotten-{uuid4().hex[:8]}")
    partitions = {stage.name: 1 for stage in pipeline.plan.stages}
    provision(kafka.bootstrap, definitions(pipeline.name, partitions))
    publish_routing(kafka.bootstrap, pipeline.name, partitions)
    worker = Worker(pipeline, pipeline.plan.stage("answer"), "1", Settings(brokers=kafka.bootstrap, home=tmp_path))
    try:
        await worker.start()
        await until(worker._owned)
        forget((worker.app.consumer._poller if which == "consumer" else worker.app.producer)._known)
        with pytest.raises(BrokerError, match=f"The {which} was told that Kafka has no brokers"):
            await asyncio.wait_for(worker.wait(asyncio.Event()), 20)
    finally:
        await asyncio.wait_for(worker.stop(), 20)


def small(name: str) -> Pipeline:
    pipeline = Pipeline(name, source=Question)
    claims = pipeline.source.expand(answer, "sentence").expand(extract_claims, "claim")
    pipeline.output(claims.map(state), "verified_claim", conclude=conclude)
    return pipeline
