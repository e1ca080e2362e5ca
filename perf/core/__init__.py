"""What the core spends on one record, beside a bare dict update: `python -m perf.core --help`."""
