"""Alternating rounds: within a round every peer does the same thing, close in time, and each begins a round in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from perf.hop import measure
from perf.turns import turn

# Enough for a first idea of a peer's speed, and for the broker's JVM to compile what it runs.
PILOT_RECORDS = {"raw": 100_000, "faust": 10_000, "alto": 40_000}
MOST_RECORDS = 600_000
THROUGHPUT_SHARE = 0.625  # of a latency measurement's seconds: each of its records tells less

Tell = Callable[[str], None]
Measured = dict[str, dict[str, float]]


def pilot(brokers: str, peers: Sequence[str], seconds: float, protocol: str, tell: Tell) -> dict[str, int]:
    """How many records keep each peer busy, from a run that is not counted."""
    chosen = {}
    for peer in peers:
        tell(f"warm-up: {peer}")
        chosen[peer] = enough(measure.throughput(brokers, peer, PILOT_RECORDS[peer], protocol).messages_per_s, seconds)
    return chosen


def enough(messages_per_s: float, seconds: float) -> int:
    """Records for a throughput measurement beside latency measurements of `seconds`.

    >>> enough(4000, 8)
    25000
    """
    wanted = messages_per_s * seconds * THROUGHPUT_SHARE / (1 - measure.WARM_UP_SHARE)
    return int(min(MOST_RECORDS, max(1000, wanted)))


def hop_round(
    brokers: str, number: int, records: dict[str, int], seconds: float, protocol: str, tell: Tell
) -> Measured:
    """Throughput of all peers, then latency of all peers."""
    order = turn(list(records), number)
    measured: Measured = {peer: {} for peer in records}
    for peer in order:
        tell(f"throughput: {peer}")
        measured[peer] |= asdict(measure.throughput(brokers, peer, records[peer], protocol))
    for peer in order:
        tell(f"latency: {peer}")
        measured[peer] |= asdict(measure.latency(brokers, peer, seconds, protocol))
    return measured


def start_up_round(brokers: str, number: int, peers: Sequence[str], protocol: str, tell: Tell) -> Measured:
    measured: Measured = {peer: {} for peer in peers}
    for peer in turn(peers, number):
        tell(f"start-up: {peer}")
        measured[peer] |= asdict(measure.start_up(brokers, peer, protocol))
    return measured
