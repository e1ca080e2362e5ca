"""What a worker says of itself over HTTP, and that its log lines say whose they are from every thread."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest
import structlog

from alto_streams.errors import SettingError
from alto_streams.runtime.health import Health, HealthServer
from alto_streams.runtime.logs import configure_logs


async def _get(port: int, path: str) -> tuple[int, dict[str, Any]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(head.split()[1]), json.loads(body) if body else {}


async def test_a_worker_says_what_it_owns_or_what_is_wrong() -> None:
    found = Health("bm25", "a", (0, 3))

    async def look() -> Health:
        return found

    server = HealthServer(look)
    port = await server.start(0)
    try:
        assert await _get(port, "/health") == (
            200,
            {"stage": "bm25", "instance": "a", "partitions": [0, 3], "wrong": ""},
        )
        found = Health("bm25", "a", (), "no Kafka broker answers")
        status, said = await _get(port, "/health")
        assert (status, said["wrong"]) == (503, "no Kafka broker answers")
        assert (await _get(port, "/"))[0] == 404
    finally:
        await server.close()


async def test_a_client_that_does_not_speak_http_disturbs_nobody() -> None:
    async def look() -> Health:
        return Health("bm25", "a", ())

    server = HealthServer(look)
    port = await server.start(0)
    try:
        for nonsense in (b"", b"x" * 200_000, b"\r\n"):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(nonsense)
            writer.close()
        assert (await _get(port, "/health"))[0] == 200
    finally:
        await server.close()


async def test_a_port_that_is_taken_is_named() -> None:
    async def look() -> Health:
        return Health("bm25", "a", ())

    first, second = HealthServer(look), HealthServer(look)
    port = await first.start(0)
    try:
        with pytest.raises(SettingError, match=f"ALTO_HEALTH_PORT={port}"):
            await second.start(port)
    finally:
        await first.close()


async def test_every_line_names_stage_and_instance_from_any_thread(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        configure_logs("info", stage="bm25", instance="a")
        thread = threading.Thread(target=lambda: structlog.get_logger().info("assigned", question="q"))
        thread.start()
        thread.join()
        line = json.loads(capsys.readouterr().err)
    finally:
        structlog.reset_defaults()
    assert (line["event"], line["stage"], line["instance"], line["question"]) == ("assigned", "bm25", "a", "q")
