"""`alto topics`: what lies in Kafka, and who is how far behind."""

from __future__ import annotations

from typing import Annotated

import typer


def topics(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """Shows the pipeline's topics: partitions, records kept, and the lag of each consumer group.

    alto topics
    ALTO_BROKERS=kafka:9092 alto topics --json
    """
    import json
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    from alto_streams.cli.connection import brokers_and_pipeline
    from topics.lag import read_topics

    brokers, pipeline = brokers_and_pipeline()
    found = read_topics(brokers, pipeline.name)
    if as_json:
        typer.echo(json.dumps([asdict(topic) for topic in found]))
        return
    table = Table()
    for column in ("topic", "partitions", "records", "group", "lag"):
        table.add_column(column, justify="right" if column in ("partitions", "records", "lag") else "left")
    for topic in found:
        groups, lags = "\n".join(topic.lag), "\n".join(f"{lag:,}" for lag in topic.lag.values())
        table.add_row(topic.name, str(topic.partitions), f"{topic.records:,}", groups, lags)
    Console().print(table)
