"""What one supervised process is: its command, its environment, and how it says that it is ready."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class Ready(Protocol):
    """How to see that a process is ready."""

    def forget(self) -> None:
        """Called before each launch: an earlier run's readiness must not count."""

    def seen(self, output: str) -> dict[str, Any] | None:
        """What the process said when it became ready, or None while it is not. `output` is its log since launch."""


@dataclass(frozen=True, slots=True)
class ReadyFile:
    """The process creates this file."""

    path: Path

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)

    def seen(self, output: str) -> dict[str, Any] | None:
        return {} if self.path.exists() else None


@dataclass(frozen=True, slots=True)
class ReadyLine:
    """The process prints one line, a JSON object that has this key."""

    key: str

    def forget(self) -> None:
        pass

    def seen(self, output: str) -> dict[str, Any] | None:
        """
        >>> ReadyLine("url").seen('loading\\n{"url": "http://x"}\\n')
        {'url': 'http://x'}
        """
        for line in output.splitlines(keepends=True):
            if line.startswith("{") and line.endswith("\n"):
                try:
                    said = json.loads(line)
                except ValueError:
                    continue
                if self.key in said:
                    return dict(said)
        return None


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process. `env` is added to the supervisor's own; `level` orders stopping: the highest stops first."""

    name: str
    argv: tuple[str, ...]
    ready: Ready
    env: Mapping[str, str] = field(default_factory=dict)
    level: int = 0
    stop_s: float = 10.0
    tries: int = 2  # to become ready the first time
    death_signal: signal.Signals = signal.SIGKILL  # what the process gets when the supervisor is killed


def python_module(module: str, *args: str) -> tuple[str, ...]:
    """The command that runs `module` in this interpreter."""
    return (sys.executable, "-m", module, *args)
