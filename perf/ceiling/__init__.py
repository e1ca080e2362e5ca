"""What the orchestrator itself can carry, where the engine answers at once: `python -m perf.ceiling --help`."""
