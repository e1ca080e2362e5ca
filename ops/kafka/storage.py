"""A broker's data folder: formats a new one, recognises a damaged one or one that another broker uses."""

from __future__ import annotations

import base64
import fcntl
import shutil
import uuid
from pathlib import Path

from alto_streams.errors import BrokerError

CHECKPOINT = "bootstrap.checkpoint"


def prepare_storage(data: Path, checkpoint: Path) -> str:
    """The id of the cluster in `data`, which is formatted when it is new. Raises BrokerError when it is damaged.

    Kafka's formatter writes two files: `checkpoint` (the features of a new cluster, the same for all) and
    `meta.properties` (who this node is). Writing them here saves the start of a second JVM.
    """
    meta = data / "meta.properties"
    if meta.exists():
        return _cluster_id(meta)
    if any(data.glob("*/*.log")):
        raise BrokerError(
            f"Kafka's storage in {data} is damaged: it holds records, but meta.properties is missing.",
            f"restore that file, or remove {data} to start empty",
        )
    data.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(checkpoint, data / CHECKPOINT)
    cluster = _new_id()
    part = data / "meta.properties.part"
    part.write_text(f"version=1\ncluster.id={cluster}\nnode.id=1\ndirectory.id={_new_id()}\n")
    part.replace(meta)
    return cluster


def refuse_if_in_use(data: Path, pid_file: Path) -> None:
    """Raises BrokerError when a living broker holds `data`, as Kafka does with a lock on its `.lock` file."""
    lock = data / ".lock"
    if not lock.exists():
        return
    with lock.open("rb+") as handle:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = pid_file.read_text().strip() if pid_file.exists() else "unknown"
            raise BrokerError(
                f"Another broker (pid {pid}) uses the folder {data.parent}.",
                f"stop it (`kill {pid}`), or give this one a folder of its own (ALTO_HOME)",
            ) from None


def _cluster_id(meta: Path) -> str:
    try:
        lines = meta.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    entries = dict(line.split("=", 1) for line in lines if "=" in line)
    if not entries.get("cluster.id") or entries.get("node.id") != "1":
        raise BrokerError(
            f"Kafka's storage in {meta.parent} is damaged: {meta.name} names no cluster.",
            f"restore that file, or remove {meta.parent} to start empty",
        )
    return entries["cluster.id"]


def _new_id() -> str:
    # Kafka's own ids never start with a dash, which its command line would take for an option.
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text
