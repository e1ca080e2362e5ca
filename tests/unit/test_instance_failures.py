"""A stage that fails in an instance: what its question hears, and what is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from alto_streams.context import Context
from alto_streams.effects import DeadLetter, Send
from alto_streams.errors import EngineError, InvalidInput
from alto_streams.failure import Failure
from alto_streams.runtime import instance as module
from alto_streams.testing import Faults, run_async, simulate
from tests.unit.rig import Function, Rig, one_stage, settle


async def test_a_timeout_of_the_stage_itself_is_a_failure() -> None:
    async def impatient(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
        raise TimeoutError
        yield b""

    assert (await failure_of(impatient)).kind == "stage_failed"


async def test_invalid_input_keeps_its_kind() -> None:
    async def refuses(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
        raise InvalidInput("too_odd", "The question is too odd.")
        yield b""

    assert (await failure_of(refuses)).kind == "too_odd"


async def failure_of(function: Function) -> Failure:
    """The failure that reaches the coordinator; the input is kept and acknowledged."""
    rig = Rig(function)
    await rig.receive(7)
    rig.outbox.deliver()
    await settle()
    assert rig.acknowledged == [7]
    told, kept = rig.outbox.taken
    assert isinstance(told, Send)
    assert isinstance(kept, DeadLetter)
    return Failure.decode(told.record.value)


async def test_an_engine_failure_is_tried_again_under_a_later_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_AFTER_S", 0.0)
    calls = 0

    async def flaky(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
        nonlocal calls
        calls += 1
        yield b"item"
        if calls < 3:
            raise EngineError("gone")

    rig = Rig(flaky)
    await rig.receive(7)
    await asyncio.sleep(0.05)
    rig.outbox.deliver()
    await settle()
    assert rig.acknowledged == [7]
    attempts = [
        e.record.ancestry.path[0].attempt for e in rig.outbox.taken if isinstance(e, Send) and e.record.ancestry.path
    ]
    assert attempts == sorted(set(attempts))
    assert len(attempts) == 3


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("wrong"), b"stage_failed"),
        (OSError("gone"), b"stage_failed"),
        (InvalidInput("too_long", "Too long."), b"too_long"),
        (EngineError("away"), b""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_what_is_tried_again_here_is_tried_again_in_memory(
    error: Exception, kind: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stage that fails once, half-way, and never again."""
    monkeypatch.setattr(module, "RETRY_AFTER_S", 0.0)

    def failing_once() -> Function:
        errors = [error]

        async def stage(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
            yield b"item"
            if errors:
                raise errors.pop()

        return stage

    rig = Rig(failing_once())
    await rig.receive(7)
    await asyncio.sleep(0.05)
    here = [e.kind.encode() for e in rig.outbox.taken if isinstance(e, DeadLetter)] or [b""]
    in_order = (await run_async(one_stage(failing_once()), {"q": b"x"})).outcomes["q"]
    at_random = simulate(one_stage(failing_once()), {"q": b"x"}, 0, Faults(budget=0), shrink_s=0).outcomes["q"]
    assert [here, in_order, at_random] == [[kind], kind, kind]


async def test_a_run_that_is_tried_again_has_a_later_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_AFTER_S", 0.0)
    attempts: list[tuple[int, int]] = []

    async def fails_once(question: bytes, ctx: Context) -> AsyncIterator[bytes]:
        attempts.append(ctx.attempt)
        if len(attempts) == 1:
            raise EngineError("The engine is away.")
        yield b""

    rig = Rig(fails_once)
    await rig.receive(7)
    await asyncio.sleep(0.05)
    assert len(attempts) == 2
    assert attempts[0] < attempts[1]
    assert attempts[0][0] == attempts[1][0] == 1  # the partition's own number
