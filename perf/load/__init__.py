"""Open-loop load on a running pipeline: `python -m perf.load --help`, or `perf.load.offer.offer` from a program."""
