"""`alto doctor`: what is missing or wrong on this machine, and the mend."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """Checks everything that a stack needs, and that the pipeline and its deployment are whole and fit together.

    Exit code 1 if anything is wrong that `make setup` does not mend.

    alto doctor
    ALTO_PIPELINE=pipeline.yaml ALTO_DEPLOYMENT=deployment.yaml alto doctor
    ALTO_BROKERS=kafka:9092 ALTO_ENGINE_URL=http://gpu:8000/v1 alto doctor
    """
    import json
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from alto_streams.cli.checks import all_checks
    from alto_streams.settings import settings

    found = list(all_checks(settings()))
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in found]))
    else:
        table = Table.grid(padding=(0, 2))
        for check in found:
            sign = Text("ok", "green") if check.ok else Text("wrong" if check.blocks else "missing", "red")
            said = Text(check.found)
            if not check.ok:
                said.append(f"\nMend: {check.mend}", style="bold")
            table.add_row(sign, check.name, said)
        Console().print(table)
    if any(check.blocks for check in found):
        raise typer.Exit(1)
