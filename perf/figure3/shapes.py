"""What is measured: two shapes of FacTool, each in two modes, on the paper's instances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from alto_streams.engines.emulated import SCHEME
from alto_streams.pipeline import Pipeline
from perf.factool import graph, paper

INSTANCES = {"answer": 2, "extract_claims": 2, "generate_queries": 3, "bm25": 4, "encode_query": 1, "rerank": 4}
MODES = ("streaming", "whole")


@dataclass(frozen=True)
class Shape:
    """A pipeline by the name of its module, and what its emulated engines are told."""

    target: str
    factool: Callable[..., Pipeline]
    engine: Mapping[str, str]
    said: str

    @property
    def engine_url(self) -> str:
        return SCHEME + "?" + "&".join(f"{name}={value}" for name, value in self.engine.items())


# An emulated answer has 2.6 sentences on average, so that one in 2.6 of the paper's 3.3 claims falls to each.
SHAPES = {
    "sentences": Shape(
        "perf.factool.graph:pipeline",
        graph.factool,
        {"seed": "0", "claims": "1.27,0.6"},
        "claims of each sentence, while the next is written (as we ship it)",
    ),
    "paper": Shape(
        "perf.factool.paper:pipeline", paper.factool, {"seed": "0"}, "claims of the whole answer (the paper)"
    ),
}
