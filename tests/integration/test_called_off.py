"""A question that fails is called off: its request to the language model ends, and so does the hold on the commit."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web

from alto_streams.client import AltoClient
from alto_streams.events import OutcomeEvent
from ops.kafka.embedded import EmbeddedKafka
from schemas.outcome_pb2 import Outcome
from schemas.question_pb2 import Question
from tests.pipelines.fleet import fleet
from topics.lag import read_topics

DEADLINE_S = 300  # nobody waits for it


class EndlessModel:
    """A server that writes a line, then spaces for ever; it knows how many requests are open."""

    def __init__(self) -> None:
        self.asked, self.open = 0, 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> EndlessModel:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def wait(self, requests: int) -> None:
        """Until so many are open."""
        until = time.monotonic() + DEADLINE_S / 2
        while self.open != requests:
            assert time.monotonic() < until, f"{self.open} requests are open"
            time.sleep(0.05)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._complete)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "endless"}]})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        self.open += 1
        try:
            with suppress(ConnectionResetError):  # the asker has gone
                await self._write(request)
        finally:
            self.open -= 1
        return web.Response()

    async def _write(self, request: web.Request) -> None:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        text = "A line.\\n"
        while True:
            await response.write(b'data: {"choices": [{"delta": {"content": "%s"}}]}\n\n' % text.encode())
            await asyncio.sleep(0.05)
            text = " "


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[EndlessModel]:
    with EndlessModel() as server:
        monkeypatch.setenv("ALTO_ENGINE_URL", server.url)
        yield server


async def test_a_cancelled_question_stops_its_request(
    kafka: EmbeddedKafka, tmp_path: Path, model: EndlessModel
) -> None:
    with fleet(kafka.bootstrap, tmp_path, target="tests.pipelines.endless:patient") as running:
        async with AltoClient(kafka.bootstrap, running.pipeline.name, deadline_s=DEADLINE_S) as client:
            asking = asyncio.create_task(outcome_of(client, "unwanted"))
            await asyncio.to_thread(model.wait, 1)
            client.cancel("unwanted")
            ended = await asyncio.wait_for(asking, DEADLINE_S / 2)
            assert ended.failure is not None
            assert ended.failure.kind == "cancelled"
            await asyncio.to_thread(model.wait, 0)


def test_ctrl_c_cancels_what_was_asked(kafka: EmbeddedKafka, tmp_path: Path, model: EndlessModel) -> None:
    target = "tests.pipelines.endless:patient"
    with fleet(kafka.bootstrap, tmp_path, target=target):
        environment = {**os.environ, "ALTO_PIPELINE": target, "ALTO_HOME": str(tmp_path / "nobody")}
        command = [sys.executable, "-m", "alto_streams.cli.main", "ask", "Who?", "--brokers", kafka.bootstrap]
        heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a test run in the background ignores it
        asking = subprocess.Popen([*command, "--deadline", str(DEADLINE_S)], env=environment, preexec_fn=heard)
        try:
            model.wait(1)
            asking.send_signal(signal.SIGINT)
            assert asking.wait(30) == 130
            model.wait(0)
        finally:
            asking.kill()


async def outcome_of(client: AltoClient, question_id: str) -> OutcomeEvent:
    events = [event async for event in client.ask("Who?", question_id=question_id)]
    assert isinstance(events[-1], OutcomeEvent)
    return events[-1]


def test_a_failed_question_stops_its_request_and_lets_go_of_the_commit(
    kafka: EmbeddedKafka, tmp_path: Path, model: EndlessModel
) -> None:
    with fleet(kafka.bootstrap, tmp_path, target="tests.pipelines.endless:pipeline") as running:
        asked = [f"q{i}" for i in range(10)]  # more than the stage runs at a time
        begun = time.monotonic()
        for question in asked:
            running.ask(question, Question(text=question, deadline_ms=1000 * DEADLINE_S).SerializeToString())
        running.collect(len(asked))
        for question in asked:
            (ended,) = running.outcomes[question]
            assert (ended.status, ended.failure.stage) == (Outcome.FAILED, "check")
        while model.open or any(lag for topic in read_topics(kafka.bootstrap, "endless") for lag in topic.lag.values()):
            assert time.monotonic() < begun + DEADLINE_S / 2, (model.open, read_topics(kafka.bootstrap, "endless"))
            time.sleep(0.1)
        assert model.asked == len(asked)
