"""Test your pipeline without Kafka: `run` it in memory, or `simulate` it under crashes, copies and rebalances."""

from alto_streams.testing.activity import NotScripted
from alto_streams.testing.result import Item, Result
from alto_streams.testing.runner import run, run_async
from alto_streams.testing.schedule import Faults, SimulationError
from alto_streams.testing.simulation import simulate

__all__ = ["Faults", "Item", "NotScripted", "Result", "SimulationError", "run", "run_async", "simulate"]
