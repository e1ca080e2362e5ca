"""Retrieval quality and cost on labelled queries: `python -m perf.retrieval --help`."""
