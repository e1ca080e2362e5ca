"""Writes `jars.lock` anew: run `python -m ops.kafka.lock` after changing a version here, and commit the result."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import tomli_w

from ops.kafka.jars import LOCK

COORDINATES = ("org.apache.kafka:kafka_2.13:4.3.1", "org.slf4j:slf4j-simple:1.7.36")


def resolve(coordinates: tuple[str, ...] = COORDINATES) -> dict[str, Any]:
    """The lock's content: what `coordinates` need at run time, each jar with its sha256 and its size in bytes."""
    from jgo.env import LockFile
    from jgo.maven import MavenContext

    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder))
        inputs, transitive = context.resolver.resolve([context.create_dependency(c) for c in coordinates])
        needed = [d for d in inputs + transitive if d.scope not in ("test", "provided", "system") and not d.optional]
        lock = LockFile.from_resolved_dependencies(needed, environment_name="kafka")
        entries = [
            {**locked.to_dict(), "size": dependency.artifact.resolve().stat().st_size}
            for locked, dependency in zip(lock.dependencies, needed, strict=True)
        ]
    entries.sort(key=lambda entry: (entry["groupId"], entry["artifactId"]))
    return {"coordinates": list(coordinates), "dependencies": entries}


if __name__ == "__main__":
    LOCK.write_text(tomli_w.dumps(resolve()))
