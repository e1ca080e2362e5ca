"""Percentiles of waits of which some have not ended: what is only known to be longer is never taken for shorter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds. `ended` are known; of each in `open` it is known only that it is at least so long."""

    ended: Sequence[float]
    open: Sequence[float] = ()

    def __len__(self) -> int:
        return len(self.ended) + len(self.open)

    def percentile(self, percent: float) -> tuple[float, bool]:
        """The wait that `percent` of all do not exceed (nearest rank), and whether it is only at least so long.

        >>> Waits([1.0, 2.0, 3.0], [2.5]).percentile(50), Waits([1.0, 2.0, 3.0], [2.5]).percentile(75)
        ((2.0, False), (2.5, True))
        """
        rank = max(0, math.ceil(percent * len(self) / 100) - 1)
        at_least = sorted([*self.ended, *self.open])[rank]
        return at_least, at_least != sorted([*self.ended, *(math.inf for _ in self.open)])[rank]

    def figures(self) -> dict[str, Any]:
        """As JSON has it; `at_least` names the figures that are lower bounds."""
        if not len(self):
            return {"of": 0}
        found = {f"p{percent}_s": self.percentile(percent) for percent in PERCENTILES}
        found["mean_s"] = math.fsum([*self.ended, *self.open]) / len(self), bool(self.open)
        found["max_s"] = max([*self.ended, *self.open]), bool(self.open)
        bounds = [name for name, (_, at_least) in found.items() if at_least]
        return {
            "of": len(self),
            **{name: round(value, 4) for name, (value, _) in found.items()},
            **({"at_least": bounds} if bounds else {}),
        }
