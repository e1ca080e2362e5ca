"""The fitted verdict: loads its parameters and turns features into probabilities. No numpy needed.

There is one set of parameters for each language model, since the same odds mean different things in different mouths.
An engine that none was fitted for gets the set named `any`: it leaves out what the engine says.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from alto_streams.settings import Settings
from schemas.verified_claim_pb2 import NOT_ENOUGH_EVIDENCE, REFUTED, SUPPORTED, Verdict

PARAMETERS = Path(__file__).with_name("parameters.json")
DEFAULT_ENGINE = "smollm2-135m"
ANY = "any"
OF_ENGINE = ("margin",)
GATE = "enough"
SURE = 0.6
"""From this probability on a claim is supported, and from the same probability of the contrary on it is refuted."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """1 / (1 + exp(-(bias + weights . features)))."""

    bias: float
    weights: Mapping[str, float]

    def probability(self, features: Mapping[str, float]) -> float:
        z = self.bias + math.fsum(weight * features[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


@dataclass(frozen=True, slots=True)
class Calibration:
    """`enough` tells how far the evidence speaks of the claim at all, and so how much every feature counts for
    `supported`: without evidence its probability falls back to that of a claim of which nothing is known."""

    supported: Logistic
    enough: Logistic

    @property
    def asks_engine(self) -> bool:
        return any(name in OF_ENGINE for name in self.supported.weights)

    def probability(self, features: Mapping[str, float]) -> float:
        """That the claim is supported."""
        return self.supported.probability(gated(features, self.enough.probability(features)))


def gated(features: Mapping[str, float], enough: float) -> dict[str, float]:
    """What `supported` is computed from."""
    return {GATE: enough, **{name: enough * value for name, value in features.items()}}


def verdict(probability: float) -> Verdict:
    """The verdict is a matter of the probability alone, so that the two never contradict each other.

    >>> [Verdict.Name(verdict(p)) for p in (0.35, 0.5, 0.6)]
    ['REFUTED', 'NOT_ENOUGH_EVIDENCE', 'SUPPORTED']
    """
    if probability >= SURE:
        return SUPPORTED
    return REFUTED if probability <= 1 - SURE else NOT_ENOUGH_EVIDENCE


def engine_name(settings: Settings) -> str:
    """The name under which parameters for the configured engine would be found."""
    if settings.engine_url and settings.engine_model != "default":
        return settings.engine_model.lower()
    if settings.engine_url:
        return ANY
    return settings.model.stem.lower() if settings.model else DEFAULT_ENGINE


@lru_cache(maxsize=4)
def calibration(engine: str, path: Path = PARAMETERS) -> Calibration:
    """The parameters of the set whose name the engine's contains, else those of `any`.

    >>> calibration("Qwen/unheard-of-70b").asks_engine
    False
    """
    sets = json.loads(path.read_text())["engines"]
    plain = engine.lower()
    found = sets[next((name for name in sets if name != ANY and name in plain), ANY)]
    return Calibration(
        Logistic(found["supported"]["bias"], found["supported"]["weights"]),
        Logistic(found["enough"]["bias"], found["enough"]["weights"]),
    )
