"""What one hop through a stage costs, beside plain Faust and bare librdkafka: `python -m perf.hop --help`."""
