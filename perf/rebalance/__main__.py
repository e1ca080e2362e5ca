"""Measures the group protocols in alternating rounds, prints them side by side, keeps the result in perf/results."""

from __future__ import annotations

import shlex
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from alto_streams.errors import AltoError
from perf.broker import broker
from perf.live import Steps, progress_bar
from perf.machine import machine, today, versions
from perf.rebalance import report, scenario
from perf.rebalance.crew import RebalanceError
from perf.rebalance.protocols import HEARTBEAT_S, PROTOCOLS, SESSION_S
from perf.rebalance.ratios import figures, ratios
from perf.turns import turn

RESULT = Path("perf/results/rebalance.json")


def main(
    protocols: Annotated[
        str, typer.Option(help="Which, of classic, consumer and faust, with commas between.")
    ] = ",".join(PROTOCOLS),
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured; medians count.")] = 5,
    rest: Annotated[
        float, typer.Option(min=0.1, help="Seconds that a group must have been at rest before the next change.")
    ] = 2.0,
    brokers: Annotated[str, typer.Option(help="host:port of a running Kafka 4; empty: an embedded one.")] = "",
    output: Annotated[Path, typer.Option(help="The result's file.")] = RESULT,
) -> None:
    """Measures what a change of a consumer group costs under each group protocol.

    classic is the alto:// transport with cooperative-sticky, decided by the members. consumer is the same with Kafka
    4's own protocol, decided by the broker (?group.protocol=consumer). faust is Faust's own transport (kafka://),
    eager: the whole group stops. All run the same Faust app, whose session ends after 3 s without a heartbeat; one
    comes every 0.5 s.

    A round has a fresh topic of 6 partitions with 300 records a second over all of them, and one worker. Then a second
    worker joins (timed from when it subscribes); leaves by SIGTERM; another joins; 2 partitions are added; and it dies
    by SIGKILL. Each change begins when all partitions flow and have stayed where they are for a while. A gap is the
    longest time without a processed record of any one partition; with nothing wrong it is 20 to 30 ms. A wait is from
    the sending of a record to its first processing. A record is lost when nobody has processed it 10 s after the load
    has ended. A group that does not come to rest within 30 s is a failure of the round and is told as such.

    Leave the machine alone meanwhile: five rounds take about seven minutes.

        python -m perf.rebalance

        python -m perf.rebalance --rounds 1 --protocols classic,consumer --output /tmp/rebalance.json
    """
    chosen = [protocol.strip() for protocol in protocols.split(",") if protocol.strip()]
    unknown = sorted(set(chosen) - set(PROTOCOLS))
    if unknown or not chosen:
        names = ", ".join(PROTOCOLS)
        raise typer.BadParameter(f"{', '.join(unknown) or 'none'}: choose among {names}", param_hint="protocols")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that every process is stopped then, too
    try:
        with broker(brokers) as address, progress_bar() as progress:
            result: dict[str, Any] = {
                "command": shlex.join(["python", "-m", "perf.rebalance", *sys.argv[1:]]),
                "date": today(),
                "machine": machine(),
                "versions": versions(),
                **_measure(address, chosen, rounds, rest, progress),
            }
    except AltoError as error:
        Console(stderr=True).print(f"[red]error:[/] {error}", highlight=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    report.write(result, output)
    report.show(result)
    Console().print(f"written to {output}")
    if result["failed"]:
        raise typer.Exit(1)


def _measure(brokers: str, protocols: list[str], count: int, rest_s: float, progress: Progress) -> dict[str, Any]:
    step = Steps(progress, progress.add_task("", total=count * len(protocols) * len(scenario.STEPS)))
    done: list[dict[str, scenario.Figures]] = []
    failed: list[dict[str, Any]] = []
    for number in range(count):
        step.prefix = f"round {number + 1} of {count}, "
        done.append({})
        for protocol in turn(protocols, number):
            try:
                done[-1][protocol] = scenario.run(protocol, brokers, rest_s, step)
            except RebalanceError as error:
                failed.append({"round": number + 1, "protocol": protocol, "error": str(error)})
                progress.console.print(f"round {number + 1}, {protocol} failed: {error}", highlight=False)
    step("done")
    return {
        "ratios": ratios(done, protocols),
        "protocols": figures(done, protocols),
        "failed": failed,
        "rounds": done,
        "measured": {
            "partitions": scenario.PARTITIONS,
            "added_partitions": scenario.ADDED,
            "rate_per_s": scenario.RATE,
            "rest_s": rest_s,
            "session_timeout_s": SESSION_S,
            "heartbeat_s": HEARTBEAT_S,
        },
    }


if __name__ == "__main__":
    typer.run(main)
