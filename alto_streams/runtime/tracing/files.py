"""Trace files: JSON, one run a line, one file for each worker."""

from __future__ import annotations

import os
from pathlib import Path

import orjson

from alto_streams.errors import SettingError
from alto_streams.runtime.tracing.identity import Identities
from alto_streams.runtime.tracing.lines import Lines
from alto_streams.runtime.tracing.observed import Observation


class TraceFile:
    """Appends to `folder/STAGE-INSTANCE.PID.jsonl`. Raises SettingError where it cannot."""

    every_s = 5.0  # each time a worker wakes up for it costs as much as some runs

    def __init__(self, folder: Path, identities: Identities) -> None:
        constant = identities.constant
        self._line = Lines(identities)
        name = f"{constant['stage']}-{constant['instance']}.{os.getpid()}.jsonl".replace("/", "_")
        self._begin = orjson.dumps(constant)[:-1] + b","
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / name).open("ab")
        except OSError as error:
            raise SettingError(
                f"ALTO_TRACE={folder} cannot be written to: {error.strerror}.", "name another folder, or otlp"
            ) from None

    def write(self, seen: list[Observation]) -> None:
        self._file.write(b"".join([b"%b%b\n" % (self._begin, orjson.dumps(self._line(one))[1:]) for one in seen]))
        self._file.flush()

    def close(self) -> None:
        self._file.close()
