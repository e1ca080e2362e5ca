"""One measurement of one peer: each with a fresh process, fresh topics and a fresh consumer group."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import numpy as np

from perf.hop.processes import Echo, HopError, echoing, generate
from perf.hop.topics import Hop, fresh_hop

LOOK_EVERY_S = 0.02
WARM_UP_SHARE = 0.2
WARM_UP_S = 2.0
RATE = 100.0
STALL_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Throughput:
    records: int
    messages_per_s: float
    messages_per_cpu_s: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from a record's intended sending to its return; `cpu_percent` of one core that the echo took."""

    p50_ms: float
    p99_ms: float
    cpu_percent: float


@dataclass(frozen=True, slots=True)
class StartUp:
    """Seconds from exec; memory in MB (RSS, and PSS: shared pages divided among those who share them) once it owns."""

    owned_s: float
    first_record_s: float
    rss_mb: float
    pss_mb: float


def throughput(brokers: str, peer: str, records: int, protocol: str = "") -> Throughput:
    """The inbox is full before the echo starts, and nobody reads the outbox until it is done.

    Records per second come from the broker's own timestamps of the outbox, first fifth left out. Processor time is
    that of the echo from when it owns its partition until the last record is out, over all records: so what it
    reads ahead is counted with the record it belongs to.
    """
    with fresh_hop(brokers) as hop:
        generate("preload", brokers, hop.inbox, records)
        with echoing(peer, brokers, hop.inbox, hop.outbox, protocol) as echo:
            _await_records(hop, echo, records)
            cpu_s = echo.cpu_s()
        warm = max(1, round(records * WARM_UP_SHARE))
        # The record before the window opens it.
        seconds = (hop.appended_ms(records - 1) - hop.appended_ms(warm - 1)) / 1000
        return Throughput(records, (records - warm) / max(seconds, 0.001), records / max(cpu_s, 0.001))


def latency(brokers: str, peer: str, seconds: float, protocol: str = "") -> Latency:
    """RATE records a second on a schedule that waits for nobody, after WARM_UP_S of the same."""
    with (
        fresh_hop(brokers) as hop,
        echoing(peer, brokers, hop.inbox, hop.outbox, protocol) as echo,
    ):
        begun, cpu_s = time.monotonic(), echo.cpu_s()
        try:
            answers = json.loads(generate("latency", brokers, hop.inbox, hop.outbox, RATE, WARM_UP_S, seconds))
        except HopError as error:
            echo.check()
            raise HopError(f"The echo '{peer}' was slow to answer. {error.message}", error.mend) from None
        took, spent = time.monotonic() - begun, echo.cpu_s() - cpu_s
        p50, p99 = np.percentile(answers, [50, 99])
        return Latency(float(p50), float(p99), 100 * spent / took)


def start_up(brokers: str, peer: str, protocol: str = "") -> StartUp:
    """One record waits in the inbox."""
    with fresh_hop(brokers) as hop:
        generate("preload", brokers, hop.inbox, 1)
        begun = time.monotonic()
        with echoing(peer, brokers, hop.inbox, hop.outbox, protocol) as echo:
            memory = echo.process.memory_full_info()
            _await_records(hop, echo, 1)
            first = time.monotonic() - begun
            return StartUp(echo.owned_s, first, memory.rss / 1e6, memory.pss / 1e6)


def _await_records(hop: Hop, echo: Echo, records: int) -> None:
    """Until all are echoed. Raises HopError when nothing moves, or when there are more."""
    seen, moved = 0, time.monotonic()
    while seen < records:
        time.sleep(LOOK_EVERY_S)
        before, seen = seen, hop.echoed()
        if seen > before:
            moved = time.monotonic()
        echo.check()
        if time.monotonic() - moved > STALL_LIMIT_S:
            raise HopError(
                f"The echo '{echo.peer}' stopped after {seen} of {records} records for {STALL_LIMIT_S:.0f} s.",
                "see whether its transport delivers and sends",
            )
    if seen > records:
        raise HopError(f"The echo '{echo.peer}' sent {seen} records for {records}.", "mend what it sends twice")
