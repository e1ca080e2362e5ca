"""The process of one stage instance: `python -m alto_streams.runtime.worker --stage NAME`.

Sets the stage up, joins its consumer group through Faust, and runs until SIGTERM. Exit code 0 when it was asked to
stop, 1 with one line on standard error when something is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from alto_streams.controller.tables import TableFollower
from alto_streams.coordinator import CoordinatorLogic
from alto_streams.engines.protocol import Engine
from alto_streams.errors import AltoError, BrokerError, SettingError
from alto_streams.execution import StageLogic
from alto_streams.explicit.execution import stage_logic
from alto_streams.pipeline import Pipeline, load
from alto_streams.plan import COORDINATOR, StagePlan
from alto_streams.routing import Router
from alto_streams.runtime.app import make_app, raw_topic
from alto_streams.runtime.ended import ended_questions
from alto_streams.runtime.front_desk import FrontDesk
from alto_streams.runtime.health import Health, HealthServer
from alto_streams.runtime.instance import Instance, now_ms
from alto_streams.runtime.lease import Lease
from alto_streams.runtime.logs import configure_logs
from alto_streams.runtime.outbox import Outbox
from alto_streams.settings import Settings, settings
from topics import names


def main(arguments: list[str] | None = None) -> int:
    """Runs one instance until it is told to stop; returns the exit code."""
    parser = argparse.ArgumentParser(description="Runs one instance of one stage.")
    parser.add_argument("--stage", required=True, help="the stage's name; `alto pipeline show` lists them")
    parser.add_argument("--instance", default=socket.gethostname(), help="its name in the logs (%(default)s)")
    given = parser.parse_args(arguments)
    configure_logs("info", stage=given.stage, instance=given.instance)
    try:
        configure_logs(settings().log_level, stage=given.stage, instance=given.instance)
        asyncio.run(run_worker(given.stage, given.instance, settings()))
        return 0
    except AltoError as error:
        structlog.get_logger().critical("failed", error=f"Stage '{given.stage}': {error.message}", mend=error.mend)
        return 1
    except KeyboardInterrupt:
        return 0


async def run_worker(stage_name: str, instance: str, configured: Settings) -> None:
    """Raises AltoError where the stage cannot start or Faust gives up."""
    if not configured.brokers:
        raise SettingError("ALTO_BROKERS is not set.", "start the stages with alto up, or set it to host:port")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    pipeline = load(configured.pipeline)
    stage = pipeline.plan.stage(stage_name)
    worker = Worker(pipeline, stage, instance, configured)
    health = HealthServer(worker.health)
    try:
        if configured.health_port:
            await health.start(configured.health_port)
        await asyncio.to_thread(_open, stage)
        await worker.start()
        await worker.wait(stop)
    finally:
        await health.close()
        await worker.stop()


def _open(stage: StagePlan) -> None:
    for resource in stage.resources():
        resource.open()


HEALTH_LIMIT_S = 2.0
SPARE_AFTER_S = 10.0  # who owns nothing by then stands by for those that do
RECOVER_FLUSH_S = 60.0  # how long what is under way may take once Kafka has given partitions
LEASE_S = 1.5  # well below the session of a group
RELOCATE_EVERY_S = 0.5
HORIZON_MS = 900_000  # how far back outcomes are looked for: beyond the longest deadline


class Worker:
    """Binds an Instance to a Faust app: agents, rebalancing, routing tables, readiness."""

    def __init__(self, pipeline: Pipeline, stage: StagePlan, name: str, configured: Settings) -> None:
        self._pipeline, self._stage, self._name, self._settings = pipeline, stage, name, configured
        self._log = structlog.get_logger()
        self.app = make_app(names.group(pipeline.name, stage.name), configured, _datadir(configured))
        self._router = Router()
        self._engine = _engine(stage, configured)
        self._tasks: list[asyncio.Task[Any]] = []
        self._follower: Any = None
        self._tracing: Any = None
        self._started = 0.0
        self._crashed = asyncio.Event()
        self._reason: BaseException | None = None
        logic: StageLogic | CoordinatorLogic
        logic = CoordinatorLogic(pipeline.plan) if stage.name == COORDINATOR else stage_logic(stage)
        outbox = Outbox(self.app.producer, pipeline.name, self._router)
        self._instance = self._make_instance(logic, outbox)
        decides = isinstance(logic, CoordinatorLogic)
        self._lease = Lease(self.app.consumer, min(LEASE_S, configured.session_timeout_s / 2)) if decides else None
        self._input = names.stage_input(pipeline.name, stage.name)
        self._add_agent(self._input, self._instance.receive)
        if isinstance(logic, CoordinatorLogic):
            desk = FrontDesk(pipeline, logic, self._instance, outbox, self._router, configured)
            self._add_agent(names.questions(pipeline.name), desk.receive)
        self.app.on_partitions_revoked.connect(self._revoked)
        self.app.on_partitions_assigned.connect(self._assigned)

    def _make_instance(self, logic: StageLogic | CoordinatorLogic, outbox: Outbox) -> Instance:
        if not self._settings.trace:
            return Instance(logic, outbox, self._engine, self._fatal, self._settings.streaming)
        from alto_streams.runtime.tracing import start_tracing, traced_instance

        self._tracing = start_tracing(self._settings, self._pipeline, self._stage, self._name)
        return traced_instance(logic, outbox, self._engine, self._fatal, self._settings.streaming, self._tracing)

    def _add_agent(self, topic: str, receive: Any) -> None:
        self.app.agent(raw_topic(self.app, topic), name=topic)(self._reader(receive))

    def _reader(self, receive: Any) -> Any:
        """Hands a stream's events to `receive`, while the lease lasts where there is one."""

        async def consume(stream: Any) -> None:
            lease = self._lease
            async for event in stream.noack().events():
                try:
                    if lease is not None and not lease.valid:
                        await lease.hold()
                        if not event.message.owner.live:
                            continue  # its partition is another coordinator's
                    await receive(event)
                except Exception as error:
                    await self._fatal(error)

        return consume

    async def start(self) -> None:
        """Connects to Kafka. Raises BrokerError where no broker answers."""
        brokers = self._settings.brokers
        await asyncio.to_thread(check_broker, brokers)
        self._follower = TableFollower(brokers, self._pipeline.name, self._router.learn)
        if self._lease is not None:
            self._tasks.append(asyncio.create_task(self._lease.keep()))
        else:
            self._tasks.append(asyncio.create_task(self._relocate()))
        may = None if self._lease is None else self._lease.hold
        self._tasks.append(asyncio.create_task(self._instance.expire_forever(may)))
        await self.app.start()
        self._started = time.monotonic()
        self._tasks.append(asyncio.create_task(self._stand_by()))
        _spare_collections()

    async def _relocate(self) -> None:
        """Keeps a few records that wait for long from holding up their partition.

        Not the coordinator's: it goes by a question's record coming before all that follows from it.
        """
        try:
            while True:
                await asyncio.sleep(RELOCATE_EVERY_S)
                for tp, since, before in self.app.consumer.lagging():
                    moved = self._instance.relocation.move(tp.partition, since, before)
                    if moved:
                        self._log.info("relocated", partition=tp.partition, records=moved)
        except Exception as error:
            await self._fatal(error)

    async def _stand_by(self) -> None:
        """Who owns nothing by then, of more coordinators than there are partitions perhaps, is as ready as it gets."""
        await asyncio.sleep(SPARE_AFTER_S)
        _say_ready()

    async def wait(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. Raises BrokerError where Faust, or Kafka's client, gives up first."""
        fatal = asyncio.create_task(self._crashed.wait())
        stopped = asyncio.create_task(self.app.wait(stop))  # or crashed
        await asyncio.wait({fatal, stopped}, return_when=asyncio.FIRST_COMPLETED)
        for task in (fatal, stopped):
            task.cancel()
        reason = self._reason or self.app.crash_reason
        if isinstance(reason, AltoError):
            raise reason
        if reason is not None:
            raise BrokerError(f"The worker cannot go on: {reason!r}.", "see the broker's log; a restart re-reads")

    async def health(self) -> Health:
        """How it fares now, from one request to the broker."""
        if not self._started:
            return self._fares("it starts")
        try:
            await self.app.producer.reach(names.routing(self._pipeline.name), HEALTH_LIMIT_S)
        except KafkaException as error:
            return self._fares(f"no Kafka broker answers at {self._settings.brokers}: {error.args[0].str()}")
        starts = time.monotonic() < self._started + SPARE_AFTER_S
        return self._fares("it owns no partition yet" if starts and not self._owned() else "")

    def _fares(self, wrong: str) -> Health:
        return Health(self._stage.name, self._name, self._owned(), wrong)

    def _owned(self) -> tuple[int, ...]:
        owned = self.app.consumer.assignment() if self._started else ()
        return tuple(sorted(tp.partition for tp in owned if tp.topic == self._input))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._instance.close()
        await self.app.stop()
        if self._follower is not None:
            await asyncio.to_thread(self._follower.close)
        if self._tracing is not None:
            await asyncio.to_thread(self._tracing.close)
        if self._engine is not None:
            await self._engine.close()

    async def _fatal(self, error: BaseException) -> None:
        self._log.error("fatal", error=repr(error))
        self._reason = error
        self._crashed.set()

    async def _revoked(self, _app: Any, revoked: Any, **_: Any) -> None:
        await self._instance.revoke({tp.partition for tp in revoked if tp.topic == self._input})

    async def _assigned(self, _app: Any, assigned: Any, **_: Any) -> None:
        partitions = sorted(tp.partition for tp in assigned if tp.topic == self._input)
        logic = self._instance.logic
        if isinstance(logic, CoordinatorLogic) and partitions:
            await self._recover(logic, partitions)  # records of these partitions wait for it
        self._log.info("assigned", partitions=partitions)
        if assigned:  # of several coordinators one may get questions alone: Kafka deals both topics out as one lot
            _say_ready()

    async def _recover(self, logic: CoordinatorLogic, partitions: list[int]) -> None:
        """What ended before must not end again.

        Nor what this process ended before it lost them, and Kafka has not taken yet: one that was away for longer than
        a session has partitions to give while outcomes are still under way.
        """
        topic, now = names.verified_claims(self._pipeline.name), now_ms()
        try:
            await asyncio.wait_for(self.app.producer.flush(), RECOVER_FLUSH_S)
            ended = await asyncio.to_thread(ended_questions, self._settings.brokers, topic, now - HORIZON_MS)
        except TimeoutError:
            said = f"Kafka gave partitions, but did not take what was sent before within {RECOVER_FLUSH_S:.0f} s."
            await self._fatal(BrokerError(said, "check the broker"))
            return
        except BrokerError as error:
            await self._fatal(error)
            return
        for partition in partitions:
            logic.remember(partition, ended, now + HORIZON_MS)


def _datadir(configured: Settings) -> str:
    """Faust wants a folder, although without tables it writes nothing there. Raises SettingError."""
    folder = configured.home / "faust"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(f"ALTO_HOME={configured.home} cannot be used: {error.strerror}.", "set ALTO_HOME") from None
    return str(folder)


def _spare_collections() -> None:
    """What was imported stays, and what a record makes dies young: looking for garbage costs a sixth of a hop."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _say_ready() -> None:
    ready = os.environ.get("ALTO_READY_FILE")
    if ready:
        Path(ready).touch()


def _engine(stage: StagePlan, configured: Settings) -> Engine | None:
    if stage.pool is None:
        return None
    if not configured.engine_url:
        raise SettingError(
            f"Stage '{stage.name}' needs a language model, but ALTO_ENGINE_URL is not set.",
            "start the stages with alto up, or set it to an OpenAI-compatible server",
        )
    if configured.engine_url.startswith("emulated:"):
        from alto_streams.engines.emulated import EmulatedEngine

        return EmulatedEngine.from_url(configured.engine_url)
    from alto_streams.engines.openai import OpenAIEngine

    return OpenAIEngine(
        configured.engine_url, configured.engine_model, api_key=configured.engine_api_key.get_secret_value()
    )


def check_broker(brokers: str, timeout: float = 10.0) -> None:
    """Raises BrokerError where no broker answers."""
    try:
        AdminClient({"bootstrap.servers": brokers, "log_level": 0}).list_topics(timeout=timeout)
    except KafkaException as error:
        raise BrokerError(
            f"No Kafka broker answers at {brokers}: {error.args[0].str()}.", "check ALTO_BROKERS"
        ) from None


if __name__ == "__main__":
    sys.exit(main())
