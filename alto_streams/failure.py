"""Why a question failed: which stage, a machine-readable kind, and a sentence for people."""

from __future__ import annotations

import json
from typing import NamedTuple

from alto_streams.errors import EngineError, InvalidInput


class Failure(NamedTuple):
    """Travels from the failing stage to the coordinator and ends in the question's outcome."""

    stage: str
    kind: str
    message: str

    def encode(self) -> bytes:
        return json.dumps(self._asdict()).encode()

    @staticmethod
    def decode(data: bytes) -> Failure:
        return Failure(**json.loads(data))


def kind_of(error: Exception) -> str:
    """The kind of the failure that an error of a stage's function is."""
    if isinstance(error, InvalidInput):
        return error.kind
    return "engine_failed" if isinstance(error, EngineError) else "stage_failed"
