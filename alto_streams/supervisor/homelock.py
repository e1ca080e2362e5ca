"""One supervisor a home: a lock that the kernel frees when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alto_streams.errors import AltoError


class HomeInUse(AltoError):
    """Another supervisor runs in this home."""


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Holds `home` for this process. Raises HomeInUse naming the holder's pid."""
    home.mkdir(parents=True, exist_ok=True)
    handle = os.open(home / "stack.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 32).decode().strip() or "unknown"
            raise HomeInUse(
                f"a stack already runs in {home} (supervisor pid {holder}).",
                "stop it with `alto down`, or set ALTO_HOME to another folder for a second one",
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)
