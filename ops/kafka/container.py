"""`python -m ops.kafka.container`: the broker of the Kafka image. It becomes the JVM, so signals reach Kafka itself.

The image's build runs it with `--prepare`, which fetches the jars and makes what every start shares (see warm.py).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from alto_streams.errors import AltoError
from ops.kafka import jvm, storage, warm
from ops.kafka.properties import container_properties


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.kafka.container", description=(__doc__ or "").split(": ")[1])
    parser.add_argument("--cache", type=Path, required=True, help="jars and start-up cache, made by --prepare")
    parser.add_argument("--prepare", action="store_true", help="fill the cache and end")
    parser.add_argument("--folder", type=Path, default=Path("kafka-data"), help="data and settings (%(default)s)")
    parser.add_argument("--name", default="kafka", help="the host name by which other containers find it (%(default)s)")
    parser.add_argument("--external", default="localhost:29092", help="host:port for clients outside (%(default)s)")
    parser.add_argument("--heap", default="512m", help="the JVM's largest heap (%(default)s)")
    parser.add_argument("--log", choices=("info", "warn", "error"), default="warn", help="what it logs (%(default)s)")
    given = parser.parse_args()
    try:
        ready = warm.prepare(given.cache)
        if given.prepare:
            return 0
        storage.prepare_storage(given.folder / "data", ready.checkpoint)
        settings = given.folder / "server.properties"
        settings.write_text(container_properties(given.folder / "data", given.name, given.external))
    except AltoError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        mend = f"make it writable for uid {os.getuid()}"
        print(f"Kafka cannot use the folder {given.folder}: {error.strerror}. Mend: {mend}", file=sys.stderr)
        return 1
    arguments, options = (str(settings),), (*ready.options, jvm.log_level(given.log))
    line = jvm.command(ready.jars, "kafka.Kafka", arguments, heap=given.heap, crashes=given.folder, options=options)
    os.execv(line[0], line)


if __name__ == "__main__":
    sys.exit(main())
