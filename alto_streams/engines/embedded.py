"""The embedded engine: one process that serves a GGUF model with llama.cpp over the OpenAI API on this machine.

`python -m alto_streams.engines.embedded --port 0` prints one line of JSON on standard output when it is ready:
`{"url": "http://127.0.0.1:41999", "model": "SmolLM2-135M-Instruct.Q4_1"}`, and serves until SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alto_streams.engines.prefixes import folder
from alto_streams.errors import AltoError, EngineError
from alto_streams.settings import settings

HOST = "127.0.0.1"
GGUF_MAGIC = b"GGUF"
GGUF_VERSIONS = (2, 3)
SILENT, EVERYTHING = 0, 3


@dataclass(frozen=True, slots=True)
class EmbeddedOptions:
    """What to serve and how: `context` is tokens for each slot, `port` 0 takes a free one."""

    model: Path
    prefixes: Path  # folder of the prompts' beginnings
    host: str = HOST
    port: int = 0
    threads: int = 1
    slots: int = 4
    context: int = 2048
    verbose: bool = False


def check_gguf(path: Path) -> None:
    """Raises EngineError unless `path` begins like a GGUF file that llama.cpp reads."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise EngineError(
            f"The model file {path} cannot be read: {error.strerror}.",
            "set ALTO_MODEL to an existing GGUF file, or unset it to use the default model",
        ) from None
    if head[:4] != GGUF_MAGIC or int.from_bytes(head[4:8], "little") not in GGUF_VERSIONS:
        raise EngineError(
            f"The model file {path} is not a GGUF model (version 2 or 3).",
            "fetch it again (alto model get NAME), or unset ALTO_MODEL to use the default model",
        )


def check_port(host: str, port: int) -> None:
    """Raises EngineError when another process listens on `port`: llama.cpp itself would not say why it stops."""
    if port == 0:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise EngineError(
                f"The language-model engine cannot listen on {host}:{port}: {error.strerror}.",
                "stop the process that uses the port, or give --port 0 for a free one",
            ) from None


def serve(options: EmbeddedOptions) -> Any:
    """Loads the model and starts the server's threads; returns xllamacpp's Server, whose end is its deletion.

    Raises EngineError for a model or a port that cannot be used.
    """
    check_gguf(options.model)
    check_port(options.host, options.port)
    # Threads that spin while they wait for each other stop one another where the cores are shared with other
    # work: asleep, two threads under load are several times as fast. OpenMP reads this once, when it is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    options.prefixes.mkdir(parents=True, exist_ok=True)
    import xllamacpp  # type: ignore[import-untyped]

    params = xllamacpp.CommonParams()
    params.model.path = str(options.model)
    params.model_alias = {options.model.stem}
    params.hostnames = [options.host]
    params.port = options.port
    params.n_parallel = options.slots
    params.n_ctx = options.slots * options.context
    params.cpuparams.n_threads = options.threads
    params.cpuparams_batch.n_threads = options.threads
    params.n_ubatch = 128  # halves the work buffers; a longer prompt takes several rounds at the same speed
    params.cache_prompt = True
    params.n_cache_reuse = 0  # shifting cached chunks to other positions changes the words
    params.cache_ram_mib = 128  # by default 8 GB; this keeps some twenty prompts' beginnings beyond the slots'
    params.slot_save_path = f"{options.prefixes}/"
    params.fit_params = False  # never give a slot less context than asked
    params.endpoint_metrics = True
    params.endpoint_slots = True
    params.ui = False
    params.verbosity = EVERYTHING if options.verbose else SILENT
    try:
        return xllamacpp.Server(params)
    except RuntimeError:
        raise EngineError(
            f"llama.cpp cannot load the model file {options.model}: it is cut short, or of a kind that this "
            f"llama.cpp does not know, or memory is short for {options.slots} slots of {options.context} tokens.",
            "fetch it again (alto model get NAME); ALTO_LOG_LEVEL=debug shows llama.cpp's own reason",
        ) from None


def parse(arguments: Sequence[str] | None = None) -> EmbeddedOptions:
    """The options of the command line, with the settings as defaults. Fetches the default model when absent."""
    defaults = settings()
    parser = argparse.ArgumentParser(prog="python -m alto_streams.engines.embedded", description=__doc__)
    parser.add_argument("--host", default=HOST, help="address to listen on (%(default)s: this machine only)")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--model", type=Path, default=defaults.model, help="GGUF file (ALTO_MODEL)")
    parser.add_argument("--threads", type=int, default=defaults.engine_threads, help="ALTO_ENGINE_THREADS")
    parser.add_argument("--slots", type=int, default=defaults.engine_slots, help="ALTO_ENGINE_SLOTS")
    parser.add_argument("--context", type=int, default=defaults.engine_context, help="ALTO_ENGINE_CONTEXT")
    parser.add_argument("--prefixes", type=Path, help="folder for the beginnings of prompts (in ALTO_CACHE)")
    given = parser.parse_args(arguments)
    model = given.model or default_model()
    return EmbeddedOptions(
        model=model,
        prefixes=given.prefixes or folder(model, defaults.cache),
        host=given.host,
        port=given.port,
        threads=given.threads,
        slots=given.slots,
        context=given.context,
        verbose=defaults.log_level.lower() == "debug",
    )


def default_model() -> Path:
    """The path of the 135M model that the project brings. Raises AssetError when it cannot be fetched."""
    from alto_streams.assets import asset

    return asset("smollm2-135m", settings().cache)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until told to stop; returns the exit status."""
    try:
        options = parse(arguments)
        server = serve(options)
    except AltoError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print(json.dumps({"url": server.listening_address, "model": options.model.stem}), flush=True)
    stop.wait()
    # The server's own destructor waits for the requests in flight; whoever stops the engine no longer wants them.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
