"""Test your pipeline without Kafka: `run` it in memory, or `simulate` it under crashes, copies and rebalances."""

from alto_streams.testing.activity import NotScripted
from alto_streams.testing.failure import SimulationError
from alto_streams.testing.result import Item, Result
from alto_streams.testing.runner import run, run_async
from alto_streams.testing.schedule import Faults, Schedule
from alto_streams.testing.simulated import Simulated
from alto_streams.testing.simulation import simulate, simulate_case

__all__ = [
    "Faults",
    "Item",
    "NotScripted",
    "Result",
    "Schedule",
    "Simulated",
    "SimulationError",
    "run",
    "run_async",
    "simulate",
    "simulate_case",
]
