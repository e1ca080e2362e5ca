"""The examples in the docstrings of the pure core, run."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

WITHOUT_EXAMPLES = (
    "context", "coordinator", "effects", "execution", "failure", "groups", "pipeline", "plan", "record",
    "routing", "scopes", "signatures",
    "explicit.execution", "explicit.handles", "explicit.lineage", "explicit.lowering", "explicit.pipeline",
    "explicit.plan", "explicit.sets",
    "operators.operator", "operators.reading",
)  # fmt: skip
WITH_EXAMPLES = (
    "ancestry", "cutting", "explicit.envelope", "offsets", "operators", "progress",
    "operators.collect", "operators.count", "operators.extremes", "operators.first", "operators.group_by",
    "operators.into", "operators.predicates", "operators.reduce", "operators.top_k", "operators.total",
    "operators.vote",
    "quanta.cutter", "quanta.elements", "quanta.items", "quanta.lines", "quanta.names", "quanta.nested",
    "quanta.paragraphs", "quanta.piece", "quanta.sentences", "quanta.tokens", "quanta.whole", "quanta.words",
)  # fmt: skip


@pytest.mark.parametrize("name", WITH_EXAMPLES + WITHOUT_EXAMPLES)
def test_examples_are_true(name: str) -> None:
    module = import_module(f"alto_streams.{name}")
    found = doctest.testmod(module)
    assert found.failed == 0
    assert (found.attempted > 0) == (name in WITH_EXAMPLES)
