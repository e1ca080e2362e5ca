"""The error of a load that cannot be offered."""

from __future__ import annotations

from alto_streams.errors import AltoError


class LoadError(AltoError):
    """A rate, a file of questions or a trace is not usable."""
