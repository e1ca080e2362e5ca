"""A stage slower than its backlog: what waits, waits in Kafka."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ops.kafka.embedded import EmbeddedKafka
from tests.transport.crew import crew, wait_until
from tests.transport.load import fill

BACKLOG, WATCH_S = 200_000_000, 5.0
BOUND = 60 << 20


@pytest.mark.parametrize("size", [10_000, 100_000])
def test_a_backlog_does_not_fill_the_memory(
    size: int, kafka: EmbeddedKafka, url: str, fresh: Callable[[int], str], tmp_path: Path
) -> None:
    topic = fresh(2)
    with crew(url, topic, topic, tmp_path) as workers:
        worker = workers.start(slow=0.05)
        worker.wait_assigned()
        process = psutil.Process(worker.process.pid)
        before = process.memory_info().rss
        fill(kafka.bootstrap, topic, 2, BACKLOG // size, os.urandom(size))
        wait_until(lambda: len(worker.deeds("P")) > 20, "the worker works", [worker])
        peak, until = 0, time.monotonic() + WATCH_S
        while time.monotonic() < until:
            peak = max(peak, process.memory_info().rss)
            time.sleep(0.05)
        print(
            f"resident: {before >> 20} MiB before, {peak >> 20} MiB with a backlog of {BACKLOG // size} x {size} bytes"
        )
        assert worker.alive()
        assert len(worker.deeds("P")) < BACKLOG / size / 5, "the stage was not slow"
        assert peak - before < BOUND
