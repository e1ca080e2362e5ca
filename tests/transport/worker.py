"""One worker process under test: a plain Faust agent that acknowledges by hand and writes down all that it does.

Each line on standard output is one system call, so that what a killed process did is known to its last step:
`P` a record is processed, `A` it is about to be acknowledged, `S` a partition was assigned, `V` revoked; then
partition, offset, attempt and time (the machine's monotonic clock). `E` is an error and its text.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import time
from typing import Any

from tests.transport.applications import make_app, raw_topic

STRAGGLERS, STRAGGLING = 0.02, 40  # so many are held so many times longer than the others


def say(kind: str, partition: int, offset: int = -1, attempt: int = -1) -> None:
    os.write(1, f"{kind} {partition} {offset} {attempt} {time.monotonic():.6f}\n".encode())


def complain(error: BaseException | None) -> None:
    os.write(1, f"E {error!r}\n".encode())


class Holding:
    """When a record is acknowledged after it was processed, in seconds."""

    def __init__(self, order: str, hold_s: float, seed: int) -> None:
        self._order, self._hold_s, self._random = order, hold_s, random.Random(seed)

    def seconds(self) -> float:
        if self._order == "arrival":
            return 0.0
        if self._order == "late":
            return self._hold_s
        straggles = self._random.random() < STRAGGLERS
        return self._random.uniform(0, self._hold_s) * (STRAGGLING if straggles else 1)


def build(given: argparse.Namespace) -> Any:
    app = make_app(given.url, given.group, given.datadir, session_s=given.session)
    holding = Holding(given.order, given.hold, given.seed)
    never = {int(offset) for offset in given.never.split(",") if offset}

    def acknowledge(event: Any) -> None:
        say("A", event.message.partition, event.message.offset)
        event.ack()

    def finish(event: Any) -> None:
        seconds = holding.seconds()
        if seconds:
            asyncio.get_running_loop().call_later(seconds, acknowledge, event)
        else:
            acknowledge(event)

    async def forward(event: Any) -> None:
        message = event.message
        try:
            await (await app.producer.send(given.forward, message.key, message.value, None, None, None))
        except Exception as error:
            complain(error)
        else:
            finish(event)

    sending: set[asyncio.Task[None]] = set()

    async def consume(stream: Any) -> None:
        async for event in stream.noack().events():
            message = event.message
            say("P", message.partition, message.offset, message.generation_id)
            if given.slow:
                await asyncio.sleep(given.slow)
            if message.offset in never:
                continue
            if given.forward:
                task = asyncio.create_task(forward(event))
                sending.add(task)
                task.add_done_callback(sending.discard)
            else:
                finish(event)

    async def assigned(_app: Any, partitions: Any, **_: Any) -> None:
        if given.settle:
            await asyncio.sleep(given.settle)
        for tp in partitions:
            say("S", tp.partition)

    async def revoked(_app: Any, partitions: Any, **_: Any) -> None:
        for tp in partitions:
            say("V", tp.partition)
        if given.linger:
            await asyncio.sleep(given.linger)

    app.agent(raw_topic(app, given.topic))(consume)
    app.on_partitions_assigned.connect(assigned, weak=False)
    app.on_partitions_revoked.connect(revoked, weak=False)
    return app


async def run(given: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = build(given)
    try:
        await app.start()
        await app.wait(stop)
        if app.crash_reason is not None:
            raise app.crash_reason
        return 0
    except Exception as error:
        complain(error)
        return 1
    finally:
        await app.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description="One worker of the transport's tests.")
    for name in ("--url", "--group", "--topic", "--datadir"):
        parser.add_argument(name, required=True)
    parser.add_argument("--order", choices=("arrival", "late", "random"), default="arrival")
    parser.add_argument("--hold", type=float, default=0.3, help="seconds before an acknowledgement, late or random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--never", default="", help="offsets that are never acknowledged: 4,9")
    parser.add_argument("--slow", type=float, default=0.0, help="seconds for each record, one after the other")
    parser.add_argument("--settle", type=float, default=0.0, help="seconds that the handler of `assigned` takes")
    parser.add_argument("--linger", type=float, default=0.0, help="seconds that the handler of `revoked` takes")
    parser.add_argument("--forward", default="", help="send each record to this topic before acknowledging it")
    parser.add_argument("--session", type=float, default=3.0, help="session timeout in seconds")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
