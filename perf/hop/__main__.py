"""Measures the echoes in alternating rounds, prints what came out beside the bar, and keeps it in perf/results."""

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
from perf.hop import measure, records, report, rounds
from perf.hop.processes import PEERS
from perf.hop.ratios import figures, ratios
from perf.live import Steps, progress_bar
from perf.machine import machine, today, versions

RESULTS = Path("perf/results")


def main(
    peers: Annotated[str, typer.Option(help="Which echoes, of raw, faust and alto, with commas between.")] = ",".join(
        PEERS
    ),
    rounds_: Annotated[int, typer.Option("--rounds", min=1, help="How often each is measured; medians count.")] = 5,
    seconds: Annotated[
        float, typer.Option(min=0.5, help="Length of a latency measurement; throughput takes about 5/8 of it.")
    ] = 8.0,
    count: Annotated[
        int, typer.Option("--records", help="Records of a throughput measurement; 0: as the seconds ask.")
    ] = 0,
    protocol: Annotated[
        str, typer.Option(help="Query appended to the alto URL, such as group.protocol=consumer.")
    ] = "",
    start_up: Annotated[
        bool, typer.Option("--start-up", help="Measure start-up time and memory of faust and alto instead.")
    ] = False,
    brokers: Annotated[str, typer.Option(help="host:port of a running Kafka; empty: an embedded one.")] = "",
    output: Annotated[
        Path | None, typer.Option(help="The result's file; by default hop.json or hop-start-up.json in perf/results.")
    ] = None,
) -> None:
    """Measures one hop through Kafka: a process that copies one topic to another.

    raw is a bare confluent-kafka loop, the limit. faust is a Faust agent on its own aiokafka transport (kafka://).
    alto is the same file with the same settings on ours (alto://). Every measurement has a fresh process, fresh topics
    and a fresh group. Throughput: the inbox is full before the echo starts, and the broker's timestamps of what comes
    out count; processor time is the echo's own, all threads. Latency: 100 records a second on a schedule that waits
    for nobody, timed from when each should have been sent. Ratios are taken within a round.

    Leave the machine alone meanwhile: five rounds take about eight minutes.

        python -m perf.hop

        python -m perf.hop --rounds 1 --seconds 3 --output /tmp/hop.json

        python -m perf.hop --protocol group.protocol=consumer --output perf/results/hop-consumer-protocol.json

        python -m perf.hop --start-up
    """
    chosen = [peer.strip() for peer in peers.split(",") if peer.strip()]
    unknown = sorted(set(chosen) - set(PEERS))
    if unknown or not chosen:
        raise typer.BadParameter(f"{', '.join(unknown) or 'none'}: choose among {', '.join(PEERS)}", param_hint="peers")
    if start_up:
        chosen = [peer for peer in chosen if peer != "raw"]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that every process is stopped then, too
    try:
        with broker(brokers) as address, progress_bar() as progress:
            result: dict[str, Any] = {
                "command": shlex.join(["python", "-m", "perf.hop", *sys.argv[1:]]),
                "date": today(),
                "machine": machine(),
                "versions": versions(),
            }
            if start_up:
                result |= _start_up(address, chosen, rounds_, protocol, progress)
            else:
                result |= _hop(address, chosen, rounds_, seconds, count, protocol, progress)
    except AltoError as error:
        Console(stderr=True).print(f"[red]error:[/] {error}", highlight=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    written = output or RESULTS / ("hop-start-up.json" if start_up else "hop.json")
    report.write(result, written)
    report.show({} if start_up else ratios(result["rounds"]), result["peers"])
    Console().print(f"written to {written}")


def _hop(
    brokers: str, peers: list[str], count: int, seconds: float, fixed: int, protocol: str, progress: Progress
) -> dict[str, Any]:
    task = progress.add_task("", total=2 * len(peers) * count + (0 if fixed else len(peers)))
    step = Steps(progress, task)
    size = dict.fromkeys(peers, fixed) if fixed else rounds.pilot(brokers, peers, seconds, protocol, step)
    done = []
    for number in range(count):
        step.prefix = f"round {number + 1} of {count}, "
        done.append(rounds.hop_round(brokers, number, size, seconds, protocol, step))
        if not fixed:  # a peer that was disturbed before gets more from now on, so that it is measured as long
            size = {
                peer: max(size[peer], rounds.enough(measured["messages_per_s"], seconds))
                for peer, measured in done[-1].items()
            }
    step("done")
    return {
        **ratios(done),
        "peers": figures(done),
        "rounds": done,
        "measured": {
            "rate_per_s": measure.RATE,
            "latency_s": seconds,
            "value_bytes": records.VALUE_BYTES,
            "header_bytes": records.HEADER_BYTES + len(records.HEADER),
            "partitions": 1,
            "protocol": protocol,
            "cpu": "user and system time of the echo process alone, all threads; broker and generator left out",
        },
    }


def _start_up(brokers: str, peers: list[str], count: int, protocol: str, progress: Progress) -> dict[str, Any]:
    step = Steps(progress, progress.add_task("", total=len(peers) * count))
    done = []
    for number in range(count):
        step.prefix = f"round {number + 1} of {count}, "
        done.append(rounds.start_up_round(brokers, number, peers, protocol, step))
    step("done")
    return {"peers": figures(done), "rounds": done, "measured": {"protocol": protocol}}


if __name__ == "__main__":
    typer.run(main)
