"""What repeated measurements say together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Median, quartiles and ends, to four digits.

    >>> spread([1.0, 2.0, 4.0])
    {'median': 2.0, 'min': 1.0, 'q1': 1.5, 'q3': 3.0, 'max': 4.0}
    """
    low, q1, median, q3, high = (float(f"{q:.4g}") for q in np.percentile(values, [0, 25, 50, 75, 100]))
    return {"median": median, "min": low, "q1": q1, "q3": q3, "max": high}
