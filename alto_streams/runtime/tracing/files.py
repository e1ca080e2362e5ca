"""Trace files: JSON, one run a line, one file for each worker."""

from __future__ import annotations

import json
import os
from pathlib import Path

from alto_streams.errors import SettingError
from alto_streams.runtime.tracing.identity import Identities
from alto_streams.runtime.tracing.lines import Lines
from alto_streams.runtime.tracing.observed import Observation


class TraceFile:
    """Appends to `folder/STAGE-INSTANCE.PID.jsonl`. Raises SettingError where it cannot."""

    every_s = 2.0  # each time a worker wakes up for it costs as much as some runs

    def __init__(self, folder: Path, identities: Identities) -> None:
        constant = identities.constant
        self._line = Lines(identities)
        name = f"{constant['stage']}-{constant['instance']}.{os.getpid()}.jsonl".replace("/", "_")
        self._begin = _dumps(constant)[:-1] + ","
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / name).open("a", encoding="utf-8")
        except OSError as error:
            raise SettingError(
                f"ALTO_TRACE={folder} cannot be written to: {error.strerror}.", "name another folder, or otlp"
            ) from None

    def write(self, seen: list[Observation]) -> None:
        self._file.write("".join([f"{self._begin}{_dumps(self._line(one))[1:]}\n" for one in seen]))
        self._file.flush()

    def close(self) -> None:
        self._file.close()


_dumps = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode
