"""The embedded broker as a process of its own: it stops Kafka in order when it is told to, or when its parent dies."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path

import psutil

from alto_streams.errors import AltoError
from alto_streams.supervisor import pids

STOP_S = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    folder = parser.parse_args().folder
    signal.signal(signal.SIGTERM, _leave)
    try:
        end_leftover(folder)
        return _serve(folder)
    except AltoError as error:
        print(error, file=sys.stderr)
        return 1


def end_leftover(folder: Path) -> None:
    """Ends the JVM of an earlier broker of this folder whose own process was killed and could not stop it.

    Whoever calls this holds the lock of the home that `folder` is in, so no living supervisor uses that JVM.
    """
    try:
        pid = int((folder / "kafka.pid").read_text())
        ours = str(folder / "server.properties") in psutil.Process(pid).cmdline()
    except (OSError, ValueError, psutil.Error):
        return
    if ours:
        pids.end(pid, pids.birth(pid), STOP_S)


def _serve(folder: Path) -> int:
    from ops.kafka.embedded import EmbeddedKafka

    # Without a port it takes the last one of its folder again, where the workers look for it after a restart.
    kafka = EmbeddedKafka(folder)
    try:
        kafka.start()
        print(json.dumps({"bootstrap": kafka.bootstrap, "pid": kafka.pid}), flush=True)
        os.waitid(os.P_PID, kafka.pid, os.WEXITED | os.WNOWAIT)
        print(f"Kafka (pid {kafka.pid}) ended by itself. Mend: read {kafka.log}", file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        kafka.stop()


def _leave(*_: object) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
