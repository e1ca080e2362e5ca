"""The examples in the docstrings of the pure core, run."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

WITHOUT_EXAMPLES = (
    "ancestry", "context", "coordinator", "effects", "execution", "failure", "groups", "pipeline", "plan", "record",
    "routing", "scopes", "signatures",
)  # fmt: skip
WITH_EXAMPLES = ("cutting", "offsets", "operators", "progress", "quanta")


@pytest.mark.parametrize("name", WITH_EXAMPLES + WITHOUT_EXAMPLES)
def test_examples_are_true(name: str) -> None:
    module = import_module(f"alto_streams.{name}")
    found = doctest.testmod(module)
    assert found.failed == 0
    assert (found.attempted > 0) == (name in WITH_EXAMPLES)
