"""Latency against load, streaming and on whole outputs (figure 3 of ALTO's paper): `python -m perf.figure3 --help`."""
