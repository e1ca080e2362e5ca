"""What a change of membership costs under each group protocol: `python -m perf.rebalance --help`."""
