"""A clock that no pause of the process or the machine's sleep stops."""

from __future__ import annotations

import time

# CLOCK_MONOTONIC on Linux stands still while the machine sleeps.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def clock_s() -> float:
    """Seconds, from some moment on."""
    return time.clock_gettime(_CLOCK)
