"""`python -m ops.kafka`: an Apache Kafka broker in the foreground, without Docker or an installed Java."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from pathlib import Path

from alto_streams.errors import AltoError
from ops.kafka.embedded import EmbeddedKafka

EXAMPLES = """\
examples:
  python -m ops.kafka                             a broker on a free port, data in ./kafka-data
  python -m ops.kafka --port 9092                 where clients look by default
  python -m ops.kafka --folder /tmp/k --heap 1g   elsewhere, with room for more load

It prints host:port when it answers, and stops on Ctrl-C. Its records stay in the folder for the next start.
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ops.kafka",
        description=(__doc__ or "").partition(": ")[2],
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--folder", type=Path, default=Path("kafka-data"), help="data, log and settings (%(default)s)")
    parser.add_argument("--port", type=int, help="port on 127.0.0.1 (the last one of the folder, or a free one)")
    parser.add_argument("--heap", default="256m", help="the JVM's largest heap (%(default)s)")
    options = parser.parse_args()
    # A shell may have started it with interrupts ignored, as it does in the background.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    kafka = EmbeddedKafka(options.folder, options.port, options.heap, progress=_show if sys.stderr.isatty() else None)
    try:
        kafka.start()
        print(kafka.bootstrap, flush=True)
        os.waitid(os.P_PID, kafka.pid, os.WEXITED | os.WNOWAIT)
        print(f"Kafka (pid {kafka.pid}) ended by itself. Mend: read {kafka.log}", file=sys.stderr)
        return 1
    except AltoError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        kafka.stop()


def _show(done: int, total: int) -> None:
    end = "\n" if done == total else ""
    print(f"\rfetching Kafka: {done / 1e6:.0f} of {total / 1e6:.0f} MB", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
