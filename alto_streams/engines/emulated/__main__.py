"""`python -m alto_streams.engines.emulated --port 0` serves one emulated instance on this machine until SIGTERM.

When it is ready it prints one line of JSON: `{"url": "http://127.0.0.1:41999", "model": "emulated"}`. It knows the
prompts of the pipeline of the settings (ALTO_PIPELINE) by their first messages.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Mapping, Sequence

from aiohttp import web

from alto_streams.engines.emulated.engine import MODEL, EmulatedEngine
from alto_streams.engines.emulated.server import Server
from alto_streams.errors import AltoError, EngineError
from alto_streams.pipeline import load
from alto_streams.settings import settings

HOST = "127.0.0.1"


def prompt_names() -> dict[str, str]:
    """The names of the pipeline's prompts by their first messages. Raises PipelineError."""
    prompts = [stage.prompt for stage in load(settings().pipeline).plan.stages if stage.prompt is not None]
    return {prompt.messages[0].content: prompt.name for prompt in prompts if prompt.messages}


async def serve(engine: EmulatedEngine, names: Mapping[str, str], port: int) -> None:
    """Until SIGTERM or SIGINT. Raises EngineError for a port that cannot be used."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(Server(engine, names).application(), handler_cancellation=True, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port, shutdown_timeout=0.1).start()
        print(json.dumps({"url": f"http://{HOST}:{runner.addresses[0][1]}", "model": MODEL}), flush=True)
        await stop.wait()
    except OSError as error:
        raise EngineError(
            f"The emulated engine cannot listen on {HOST}:{port}: {error.strerror}.",
            "stop the process that uses the port, or give --port 0 for a free one",
        ) from None
    finally:
        await runner.cleanup()


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m alto_streams.engines.emulated", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other words")
    parser.add_argument("--reruns-differ", action="store_true", help="another run of a prompt makes other words")
    given = parser.parse_args(arguments)
    try:
        engine = EmulatedEngine(given.seed, reruns_differ=given.reruns_differ)
        asyncio.run(serve(engine, prompt_names(), given.port))
    except AltoError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
