"""Test your pipeline without Kafka: `run` it in memory, or `simulate` it under crashes, copies and rebalances."""

from alto_streams.testing.activity import NotScripted
from alto_streams.testing.failure import SimulationError
from alto_streams.testing.result import Item, Result, Timing
from alto_streams.testing.runner import run, run_async
from alto_streams.testing.schedule import Faults, Schedule
from alto_streams.testing.simulated import Simulated
from alto_streams.testing.simulation import simulate, simulate_case
from alto_streams.testing.timed import Delays, simulate_timed

__all__ = [
    "Delays",
    "Faults",
    "Item",
    "NotScripted",
    "Result",
    "Schedule",
    "Simulated",
    "SimulationError",
    "Timing",
    "run",
    "run_async",
    "simulate",
    "simulate_case",
    "simulate_timed",
]
