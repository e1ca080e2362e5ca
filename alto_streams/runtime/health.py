"""Says over HTTP how a worker fares, for the health checks of containers: `GET /health`.

200 means that the worker answers: its event loop turns, its broker answered just now, and it has its partitions or,
where there are more instances than partitions, stands by. 503 says in one line of JSON what is not so. No web
framework: the answer is one line, and a worker should stay small.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

from alto_streams.errors import SettingError

READ_LIMIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Health:
    """`partitions`: those that the instance owns now; a spare instance, beyond the partitions, has none."""

    stage: str
    instance: str
    partitions: tuple[int, ...]
    wrong: str = ""


class HealthServer:
    """Answers on every address of the machine, or of the container, until it is closed."""

    def __init__(self, look: Callable[[], Awaitable[Health]]) -> None:
        self._look = look
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> int:
        """Returns the port. Raises SettingError where it is taken."""
        try:
            self._server = await asyncio.start_server(self._serve, "0.0.0.0", port)
        except OSError as error:
            raise SettingError(
                f"ALTO_HEALTH_PORT={port} cannot be used: {error.strerror}.",
                "choose a free port; workers on one machine need one each",
            ) from None
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = (await asyncio.wait_for(reader.readuntil(b"\r\n"), READ_LIMIT_S)).split()
            status, body = await self._answer(request[1] if len(request) > 1 else b"")
            head = f"HTTP/1.0 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked has gone, or does not speak HTTP
        finally:
            writer.close()

    async def _answer(self, path: bytes) -> tuple[str, bytes]:
        if path != b"/health":
            return "404 Not Found", b""
        health = await self._look()
        return ("503 Service Unavailable" if health.wrong else "200 OK"), json.dumps(asdict(health)).encode() + b"\n"
