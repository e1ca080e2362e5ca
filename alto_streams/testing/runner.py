"""Runs a pipeline in memory, without faults, in one fixed order: for tests of a pipeline and its stages.

Functions may await anything: they run in an ordinary event loop, one after the other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from alto_streams.coordinator import REMEMBER_MS, CoordinatorLogic
from alto_streams.effects import Acknowledge
from alto_streams.engines.protocol import Engine
from alto_streams.explicit.execution import ExplicitRun, stage_logic
from alto_streams.pipeline import Pipeline
from alto_streams.plan import COORDINATOR, Plan
from alto_streams.routing import RoutingTable
from alto_streams.testing.activity import Steps, call
from alto_streams.testing.memory import Memory
from alto_streams.testing.result import Result, result_of
from alto_streams.testing.worker import Logic, Worker


def logic_of(plan: Plan, stage: str) -> Logic:
    """Fresh decisions for one instance."""
    return CoordinatorLogic(plan) if stage == COORDINATOR else stage_logic(plan.stage(stage))


def run(
    pipeline: Pipeline, questions: Mapping[str, Any], *, pool: Engine | None = None, deadline_ms: int = 120_000
) -> Result:
    """Answers the questions (messages or bytes, by id); `pool` is the language model, usually a scripted one.

    A question whose pipeline never comes to its end gets the outcome that the deadline would bring, at once.
    """
    return asyncio.run(run_async(pipeline, questions, pool=pool, deadline_ms=deadline_ms))


async def run_async(
    pipeline: Pipeline, questions: Mapping[str, Any], *, pool: Engine | None = None, deadline_ms: int = 120_000
) -> Result:
    """As `run`, within an event loop."""
    plan, now = pipeline.plan, time.time_ns() // 1_000_000
    memory = Memory(plan, 1)
    memory.tables.append(RoutingTable(1, {stage.name: (0,) for stage in plan.stages}))
    workers = [Worker(s.name, s, partial(logic_of, plan, s.name), memory, pool) for s in plan.stages]
    await asyncio.to_thread(_open, plan)
    for worker in workers:
        worker.assign(0, 0)
    coordinator = workers[-1]
    assert isinstance(coordinator.logic, CoordinatorLogic)
    for question, value in questions.items():
        coordinator.perform(coordinator.logic.admit(question, value, 1, now + deadline_ms))
    for time_ms in (now, now + deadline_ms + REMEMBER_MS + 1):
        for worker in workers:
            worker.perform(worker.logic.expire(time_ms))
        await _drain(workers, time_ms)
    return result_of(pipeline, memory)


def _open(plan: Plan) -> None:
    for stage in plan.stages:
        for resource in stage.resources():
            resource.open()


async def _drain(workers: list[Worker], now: int) -> None:
    busy = True
    while busy:
        busy = False
        for worker in workers:
            busy = busy or bool(worker.outbox) or worker.ready(0)
            worker.flush_all()
            if worker.ready(0):
                worker.deliver(0, now)
            while worker.started:
                await _complete(worker)
            busy = await _read_on(worker) or busy


async def _read_on(worker: Worker) -> bool:
    """Runs the functions of explicit stages until each has ended or has read all that there is; whether one did."""
    busy = False
    while fed := [index for index, (activity, _) in enumerate(worker.running) if not activity.starved]:
        activity, busy = worker.running[fed[0]][0], True
        try:
            worker.advance(fed[0], told=await Steps(activity))
        except Exception as error:
            worker.advance(fed[0], error)
    return busy


async def _complete(worker: Worker) -> None:
    """Runs one function of a worker to its end."""
    if isinstance(worker.started[0][0], ExplicitRun):
        worker.begin()  # it goes on for as long as there is something to read
        return
    run, pending = worker.started.pop(0)
    try:
        called = call(run, worker.pool)
        if run.stage.opens is None:
            worker.perform(run.emit(await called), pending)
        else:
            async for value in called:
                worker.perform(run.emit(value), pending)
        worker.perform([*run.finish(), Acknowledge(tuple(run.held))], pending)
    except Exception as error:
        worker.failed(run, error, pending)
