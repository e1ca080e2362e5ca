"""The broker's `server.properties`: one node, small, on this machine only or in a container."""

from __future__ import annotations

from pathlib import Path

HOST = "127.0.0.1"
INTERNAL, EXTERNAL, CONTROLLER = 9092, 29092, 9093  # ports inside a container

_FIXED = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    # One node: nothing can be replicated, and few partitions of Kafka's own start and recover faster.
    "default.replication.factor": 1,
    "min.insync.replicas": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 1,
    "auto.leader.rebalance.enable": "false",
    # Nobody could take its partitions over; and while it hands them over it tells clients that there are no brokers.
    "controlled.shutdown.enable": "false",
    # So, started again, it waits until its controller gives the broker before it up (9 s by default). Until then it
    # answers nobody, but does count the sessions of groups: every member would be declared dead.
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
    # Groups form at once, and a member may ask to be declared dead after a second.
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1000,
    "group.consumer.min.heartbeat.interval.ms": 300,
    "group.consumer.heartbeat.interval.ms": 500,
    "group.consumer.min.session.timeout.ms": 1000,
    "group.consumer.session.timeout.ms": 3000,
    # Two cores are shared with everything else.
    "num.network.threads": 2,
    "num.io.threads": 4,
    "background.threads": 2,
    "num.replica.fetchers": 1,
    "num.recovery.threads.per.data.dir": 1,
    "group.coordinator.threads": 1,
    # The cleaner takes its buffer from the heap for good; 128 MiB by default.
    "log.cleaner.dedupe.buffer.size": 4 << 20,
    # A day, and at most 256 MiB for each partition; index files are allocated whole, so they are small.
    "log.retention.hours": 24,
    "log.retention.bytes": 256 << 20,
    "log.segment.bytes": 64 << 20,
    "log.index.size.max.bytes": 1 << 20,
    "offsets.topic.segment.bytes": 16 << 20,
    "transaction.state.log.segment.bytes": 16 << 20,
    "share.coordinator.state.topic.segment.bytes": 16 << 20,
}


def server_properties(data: Path, port: int, controller_port: int) -> str:
    """The file's text for a broker that keeps its data in `data` and listens on two ports of this machine."""
    return _text(
        {
            "log.dirs": data,
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
            # Voters by setting, not by record in the log: so the ports may change from one start to the next.
            "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        }
    )


def container_properties(data: Path, name: str, external: str) -> str:
    """For a broker in a container that others reach as `name`:9092, and clients outside at `external` (host:port).

    A broker tells its clients where to find it, so each side needs a listener of its own.
    """
    return _text(
        {
            "log.dirs": data,
            "listener.security.protocol.map": "INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "INTERNAL",
            "listeners": f"INTERNAL://:{INTERNAL},EXTERNAL://:{EXTERNAL},CONTROLLER://{HOST}:{CONTROLLER}",
            "advertised.listeners": f"INTERNAL://{name}:{INTERNAL},EXTERNAL://{external}",
            "controller.quorum.voters": f"1@{HOST}:{CONTROLLER}",
        }
    )


def _text(settings: dict[str, object]) -> str:
    # A backslash escapes in this format.
    return "".join(f"{name}={value}\n".replace("\\", "\\\\") for name, value in {**_FIXED, **settings}.items())


def port_in(text: str) -> int | None:
    """The port that a `server.properties` written here names, if it can be read."""
    for line in text.splitlines():
        if line.startswith("advertised.listeners="):
            digits = line.rpartition(":")[2]
            return int(digits) if digits.isdigit() else None
    return None
