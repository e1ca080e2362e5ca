"""Shows how plain Faust loses a message that was never acknowledged, and that `alto://` does not.

    python examples/faust_loses_a_message.py                    # Faust's own transport
    python examples/faust_loses_a_message.py --transport alto   # ours: the same agent, another URL scheme

Starts a Kafka broker of its own in a temporary folder; needs no other. Takes some 15 s. Exit code 1 when something
was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faust
from confluent_kafka import ConsumerGroupTopicPartitions, Producer
from confluent_kafka.admin import AdminClient

from alto_streams.progress import decode
from ops.kafka.embedded import EmbeddedKafka
from topics.definitions import TopicDefinition
from topics.provision import provision

TOPIC = GROUP = "orders"
MESSAGES = 12
HELD = (4, 9)  # still being worked on when the worker dies: never acknowledged
SCHEMES = {"faust": "kafka", "alto": "alto"}


async def work(broker: str, folder: str) -> None:
    """A plain Faust worker that acknowledges by hand. It prints the offset of each message that it gets."""
    app = faust.App(
        GROUP,
        broker=broker,
        datadir=folder,
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=0.5,
        broker_session_timeout=3,
        broker_heartbeat_interval=1,
    )

    @app.agent(app.topic(TOPIC, value_type=bytes, value_serializer="raw"))
    async def consume(stream: Any) -> None:
        async for event in stream.noack().events():
            print(event.message.offset, flush=True)
            if event.message.offset not in HELD:
                event.ack()

    await app.start()
    await app.wait_until_stopped()


@contextmanager
def running_worker(broker: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of its own, which dies by SIGKILL at the end."""
    argv = [sys.executable, __file__, "--worker", broker, "--folder", str(folder)]
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def offsets_until(process: subprocess.Popen[str], last: int) -> list[int]:
    """The offsets that the worker gets, up to `last`."""
    found: list[int] = []
    assert process.stdout is not None
    for line in process.stdout:
        found.append(int(line))
        if found[-1] == last:
            return found
    raise SystemExit("The worker ended by itself, with status " + str(process.wait()))


def committed(admin: AdminClient) -> tuple[int, str]:
    """The group's committed offset, and the metadata beside it."""
    group = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(GROUP)])[GROUP].result(10)
    for partition in group.topic_partitions or []:
        return partition.offset, partition.metadata or ""
    return -1, ""


def produce(bootstrap: str, count: int) -> None:
    producer = Producer({"bootstrap.servers": bootstrap})
    for i in range(count):
        producer.produce(TOPIC, f"order {i}")
    producer.flush(10)


def show(transport: str, folder: Path) -> bool:
    """Plays it all; returns whether nothing was lost."""
    with EmbeddedKafka(folder / "kafka") as kafka:
        broker = f"{SCHEMES[transport]}://{kafka.bootstrap}"
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
        provision(kafka.bootstrap, [TopicDefinition(TOPIC, 1)])
        produce(kafka.bootstrap, MESSAGES)
        print(f"A topic with {MESSAGES} messages, 0 to {MESSAGES - 1}, and a Faust worker on {broker}.")
        with running_worker(broker, folder) as first:
            print(f"The worker gets      {offsets_until(first, MESSAGES - 1)}")
            print(f"It acknowledges all but {HELD[0]} and {HELD[1]}, on which it still works.")
            time.sleep(3)  # several commits
            offset, metadata = committed(admin)
            print(f"Committed offset:    {offset}")
            if metadata:
                known = decode(offset, metadata)
                print(f"and its metadata:    {metadata}: before {known.known}, unfinished {known.unfinished}")
            print("kill -9, and a new worker takes over.")
        with running_worker(broker, folder) as second:
            produce(kafka.bootstrap, 1)  # when this one comes, whatever comes again has come
            again = [o for o in offsets_until(second, MESSAGES) if o < MESSAGES]
        print(f"It gets again        {again or 'nothing'}")
        lost = [o for o in HELD if o not in again]
        print(verdict(offset, lost, again))
        return not lost


def verdict(offset: int, lost: list[int], again: list[int]) -> str:
    if lost:
        return f"""
{" and ".join(map(str, lost))} are lost: nobody finished them, and nobody will.
Faust (faust/transport/consumer.py, Consumer._new_offset) takes the committed offset for the last
message acknowledged, but it is the first one that is not. So one message left open right there is
stepped over, and the commit goes on behind it: first over {HELD[0]}, then over {HELD[1]}, to {offset}."""
    repeated = [o for o in again if o not in HELD]
    if repeated:
        return f"\nNothing is lost, but {repeated} were done and came again."
    return f"""
Nothing is lost: the committed offset stays at {offset}, the first message that is not acknowledged.
What was done behind it stands in the commit's metadata, and did not come again."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transport", choices=SCHEMES, default="faust", help="whose transport carries the messages")
    parser.add_argument("--worker", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        asyncio.run(work(given.worker, given.folder))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        return 0 if show(given.transport, Path(folder)) else 1


if __name__ == "__main__":
    sys.exit(main())
