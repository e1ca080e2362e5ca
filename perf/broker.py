"""The broker of a benchmark: one that runs already, or an embedded one in a folder that is removed at the end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.kafka.embedded import EmbeddedKafka


@contextmanager
def broker(brokers: str) -> Iterator[str]:
    """host:port of `brokers`, or where that is empty, of a broker that lives as long as the block."""
    if brokers:
        yield brokers
        return
    with tempfile.TemporaryDirectory(prefix="perf-") as folder, EmbeddedKafka(Path(folder)) as kafka:
        yield kafka.bootstrap
