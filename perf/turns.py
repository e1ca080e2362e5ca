"""Alternating rounds: whoever is compared does the same thing close in time, and each begins a round in turn."""

from __future__ import annotations

from collections.abc import Sequence


def turn(peers: Sequence[str], number: int) -> list[str]:
    """The order of one round: whoever went first goes last in the next.

    >>> turn(["raw", "faust", "alto"], 1)
    ['faust', 'alto', 'raw']
    """
    first = number % len(peers)
    return [*peers[first:], *peers[:first]]
