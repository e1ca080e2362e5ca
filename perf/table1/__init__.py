"""What each stage did, beside table 1 of ALTO's paper: `python -m perf.table1 --help`."""
