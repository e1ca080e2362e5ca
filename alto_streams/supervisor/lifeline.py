"""Ties a process to its parent: it gets a signal when the parent dies, even by SIGKILL. Linux only."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(parent: int, number: signal.Signals) -> None:
    """Asks the kernel for signal `number` when the parent (its thread that forked) ends.

    Elsewhere than on Linux this does nothing; the next supervisor then ends what an earlier one left (see orphans).
    """
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:  # it died before the request
        os.kill(os.getpid(), number)


def tied(number: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` that ties the new process to the one that calls this."""
    parent = os.getpid()
    return lambda: die_with_parent(parent, number)
