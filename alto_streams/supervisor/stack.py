"""The processes of an alto-streams stack, and the order in which they start: as much as possible at once."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path

from alto_streams.errors import SettingError
from alto_streams.settings import PIPELINE_FILES, Settings
from alto_streams.supervisor.forks import Forks, zygote_spec
from alto_streams.supervisor.instances import parse_instances
from alto_streams.supervisor.keeper import Keeper
from alto_streams.supervisor.launcher import Launcher, Subprocesses
from alto_streams.supervisor.preload import WORKER
from alto_streams.supervisor.spec import ProcessSpec, ReadyFile, ReadyLine, python_module
from alto_streams.supervisor.supervisor import Supervisor

BROKER, ENGINE, ZYGOTE, WORKERS = range(4)  # levels: stopped from the last to the first

WORKER_MODULE = "alto_streams.runtime.worker"
PREPARE_MODULE = "alto_streams.supervisor.preparing"
PREFIXES_MODULE = "alto_streams.engines.prefixes"

# A worker spends its time waiting; a pool of arithmetic threads in each would only cost memory and contention.
WORKER_ENV = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


async def bring_up(supervisor: Supervisor, chosen: Settings) -> None:
    """Starts everything and returns when every worker is ready."""
    parse_instances(chosen.instances)
    chosen = with_own_pipeline(supervisor.home, chosen)
    plain = Subprocesses()
    state = supervisor.state
    state.brokers, state.engine_url, state.engine_model = chosen.brokers, chosen.engine_url, chosen.engine_model
    broker = None if state.brokers else supervisor.keep(broker_spec(supervisor), plain)
    engine = None if state.engine_url else supervisor.keep(engine_spec(), plain)
    launcher = workers_launcher(supervisor, chosen, plain)

    if broker is not None:
        await broker.ready.wait()
        state.brokers = broker.said["bootstrap"]
    prepared = await supervisor.job(prepare_spec(state.brokers), launcher)
    state.pipeline, state.target = prepared.said["pipeline"], chosen.pipeline
    if engine is not None:
        await engine.ready.wait()
        state.engine_url, state.engine_model = engine.said["url"], engine.said["model"]
    supervisor.save()
    slots = [(stage, i) for stage, count in prepared.said["instances"].items() for i in range(count)]
    workers = [supervisor.keep(worker_spec(supervisor, chosen, *slot), launcher) for slot in slots]
    if engine is not None:
        await supervisor.job(prefixes_spec(state.engine_url), launcher)
    await ready(workers)


def with_own_pipeline(home: Path, chosen: Settings) -> Settings:
    """A pipeline.yaml is copied, for this stack's processes: one that starts again must not find it edited."""
    if not chosen.pipeline.endswith(PIPELINE_FILES):
        return chosen
    copy = home / "pipeline.yaml"
    try:
        copy.write_bytes(Path(chosen.pipeline).read_bytes())
    except OSError as error:
        raise SettingError(f"{chosen.pipeline} cannot be read: {error.strerror}.", "correct ALTO_PIPELINE") from None
    os.environ["ALTO_PIPELINE"] = str(copy)
    return chosen.model_copy(update={"pipeline": str(copy)})


def workers_launcher(supervisor: Supervisor, chosen: Settings, plain: Subprocesses) -> Launcher:
    """Forks of a zygote, or new interpreters where forking is switched off."""
    if not chosen.fork_workers:
        return plain
    preload = (*WORKER, f"pipeline:{chosen.pipeline}")
    return Forks(supervisor.keep(zygote_spec(supervisor.home, preload, ZYGOTE, WORKER_ENV), plain))


def broker_spec(supervisor: Supervisor) -> ProcessSpec:
    argv = python_module("alto_streams.supervisor.broker", "--folder", str(supervisor.home / "kafka"))
    # SIGTERM also when the supervisor is killed: the wrapper has then still to stop Kafka.
    return ProcessSpec("broker", argv, ReadyLine("bootstrap"), level=BROKER, stop_s=30.0, death_signal=signal.SIGTERM)


def engine_spec() -> ProcessSpec:
    # The port is chosen here, so that an engine that is started again is found where the workers look for it.
    argv = python_module("alto_streams.engines.embedded", "--port", str(free_port()))
    return ProcessSpec("engine", argv, ReadyLine("url"), level=ENGINE)


def prepare_spec(brokers: str) -> ProcessSpec:
    env = {**WORKER_ENV, "ALTO_BROKERS": brokers}
    argv = python_module(PREPARE_MODULE)
    return ProcessSpec("provisioning", argv, ReadyLine("pipeline"), env, level=WORKERS, tries=1)


def prefixes_spec(engine_url: str) -> ProcessSpec:
    env = {**WORKER_ENV, "ALTO_ENGINE_URL": engine_url}
    return ProcessSpec("prompts", python_module(PREFIXES_MODULE), ReadyLine("restored"), env, level=WORKERS)


def worker_spec(supervisor: Supervisor, chosen: Settings, stage: str, instance: int) -> ProcessSpec:
    name = f"{stage}-{instance}"
    ready_file = supervisor.home / "ready" / name
    ready_file.parent.mkdir(exist_ok=True)
    env = {
        **WORKER_ENV,
        "ALTO_BROKERS": supervisor.state.brokers,
        "ALTO_ENGINE_URL": supervisor.state.engine_url,
        "ALTO_ENGINE_MODEL": supervisor.state.engine_model,
        "ALTO_READY_FILE": str(ready_file),
    }
    if not chosen.brokers and "group_protocol" not in chosen.model_fields_set:
        env["ALTO_GROUP_PROTOCOL"] = "consumer"  # our own broker is new enough for it
    argv = python_module(WORKER_MODULE, "--stage", stage, "--instance", str(instance))
    return ProcessSpec(name, argv, ReadyFile(ready_file), env, level=WORKERS)


async def ready(keepers: list[Keeper]) -> None:
    """Waits for all; one that gives up fails the supervisor, which cancels this."""
    await asyncio.gather(*(keeper.ready.wait() for keeper in keepers))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
