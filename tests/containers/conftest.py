"""One stack for all tests of this folder, in the order of the file; without a Docker engine they are skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ops.kafka.ports import free_ports
from tests.containers.stack import Asker, Stack, missing


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Up, with the defaults of docker-compose.yml."""
    if why := missing():
        pytest.skip(f"no Docker engine with compose v2 answers: {why}")
    running = Stack(free_ports(1)[0])
    try:
        running.up()
        yield running
    finally:
        running.down()


@pytest.fixture
def asker(stack: Stack) -> Iterator[Asker]:
    asking = Asker(stack.brokers)
    try:
        yield asking
    finally:
        asking.close()
