"""The transport under test: ours, or with `ALTO_TRANSPORT=kafka` Faust's own, to see which of the tests it fails.

Tests of what happens when members come and go run under both group protocols that ours has.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.kafka.embedded import EmbeddedKafka
from tests.transport.load import create

SCHEME = os.environ.get("ALTO_TRANSPORT", "alto")


@pytest.fixture
def scheme() -> str:
    """What broker URLs start with."""
    return SCHEME


@pytest.fixture
def url(kafka: EmbeddedKafka, scheme: str) -> str:
    """The shared broker as Faust is told of it."""
    return f"{scheme}://{kafka.bootstrap}"


@pytest.fixture(params=["classic", "consumer"])
def member_url(request: pytest.FixtureRequest, url: str, scheme: str) -> str:
    """The shared broker, by either group protocol."""
    if request.param == "classic":
        return url
    if scheme != "alto":
        pytest.skip(f"{scheme}:// knows the classic protocol only")
    return f"{url}?group.protocol=consumer"


@pytest.fixture
def fresh(kafka: EmbeddedKafka) -> Callable[[int], str]:
    """`fresh(partitions)` makes a topic of a name of its own; the name serves for its group too."""

    def make(partitions: int) -> str:
        name = f"t-{uuid.uuid4().hex[:8]}"
        create(kafka.bootstrap, name, partitions)
        return name

    return make


@pytest.fixture
def datadir(tmp_path: Path) -> str:
    """A folder for Faust, which wants one."""
    return str(tmp_path / "faust")
