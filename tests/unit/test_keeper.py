"""What a keeper does before its process lives."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from alto_streams.supervisor.forks import Forks, zygote_spec
from alto_streams.supervisor.keeper import Keeper
from alto_streams.supervisor.launcher import Subprocesses
from alto_streams.supervisor.spec import ProcessSpec, ReadyFile, python_module


async def test_a_keeper_that_waits_for_a_zygote_which_never_comes_can_be_cancelled(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    zygote = Keeper(zygote_spec(tmp_path, (), 0), Subprocesses(), tmp_path / "log", lambda: None)
    spec = ProcessSpec("worker", python_module("worker"), ReadyFile(tmp_path / "ready"), {})
    waits = asyncio.create_task(Keeper(spec, Forks(zygote), tmp_path / "log", lambda: None).run())
    await asyncio.sleep(0.01)
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(waits, 5)
