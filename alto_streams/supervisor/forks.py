"""Launches Python modules as forks of a warm zygote (see zygote.py) instead of new interpreters."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from alto_streams.supervisor.keeper import Keeper
from alto_streams.supervisor.launcher import LaunchFailed
from alto_streams.supervisor.spec import ProcessSpec, ReadyLine, python_module

LONGEST_SOCKET_PATH = 100  # the kernel's limit is 108 bytes, macOS's 104


def zygote_spec(home: Path, preload: Sequence[str], level: int, env: Mapping[str, str] | None = None) -> ProcessSpec:
    """The zygote itself: an ordinary supervised process."""
    address = home / "zygote.sock"
    if len(str(address).encode()) > LONGEST_SOCKET_PATH:
        address = Path(tempfile.mkdtemp(prefix="alto-")) / "zygote.sock"
    argv = python_module("alto_streams.supervisor.zygote", "--socket", str(address), "--preload", *preload)
    return ProcessSpec("zygote", argv, ReadyLine("zygote"), env or {}, level=level, stop_s=2.0)


class Forks:
    """A launcher for specs made by `python_module`."""

    def __init__(self, zygote: Keeper) -> None:
        self._zygote = zygote

    async def ready(self) -> None:
        await self._zygote.ready.wait()

    async def launch(self, spec: ProcessSpec, log: Path) -> Fork:
        _, dash_m, *argv = spec.argv
        if dash_m != "-m":
            raise LaunchFailed(f"{spec.name} is no Python module, so it cannot be forked")
        request = {
            "argv": argv,
            "env": dict(spec.env),
            "log": str(log),
            "death_signal": int(spec.death_signal),
        }
        try:
            reader, writer = await asyncio.open_unix_connection(self._zygote.said["zygote"])
            writer.write(json.dumps(request).encode() + b"\n")
            return Fork(json.loads(await reader.readline())["pid"], reader, writer)
        except (OSError, ValueError) as error:
            raise LaunchFailed(f"the zygote does not answer: {error}") from None


class Fork:
    """A forked child; its exit is reported by the zygote, which alone may reap it."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self._reader = reader
        self._writer = writer

    async def wait(self) -> int:
        try:
            line = await self._reader.readline()
            return int(json.loads(line)["code"])
        except (OSError, ValueError):
            return -9  # the zygote died, and with it, by their death signal, its children
        finally:
            self._writer.close()

    def send(self, number: int) -> None:
        self._writer.write(json.dumps({"signal": int(number)}).encode() + b"\n")
