"""A worker of one stage: `python -m perf.peers.faust_plain STAGE BROKERS`. It says "owned" when it has partitions."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import signal
import tempfile
from typing import Any

from alto_streams.engines.emulated import EmulatedEngine
from perf.peers.faust_plain.agents import AGENTS
from perf.peers.faust_plain.app import Stage, make_app


async def run(stage: str, brokers: str, engine_url: str) -> None:
    """Until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with tempfile.TemporaryDirectory() as datadir:
        app = make_app(stage, brokers, datadir)
        AGENTS[stage](Stage(app, EmulatedEngine.from_url(engine_url)))

        @app.on_partitions_assigned.connect  # type: ignore[untyped-decorator]
        async def owned(_app: Any, assigned: Any, **_: Any) -> None:
            if assigned:
                print("owned", flush=True)

        await app.start()
        app.sensors.remove(app.monitor)  # bookkeeping for every record, which nobody reads here
        gc.collect()
        gc.freeze()  # as the workers of a pipeline do: looking for garbage costs a sixth
        gc.set_threshold(50_000, 20, 20)
        await stop.wait()
        await app.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m perf.peers.faust_plain", description=__doc__)
    parser.add_argument("stage", choices=sorted(AGENTS))
    parser.add_argument("brokers", help="host:port")
    parser.add_argument("--engine", default="emulated:", help="emulated: and its options")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(run(given.stage, given.brokers, given.engine))


if __name__ == "__main__":
    main()
