"""Why a question failed: which stage, a machine-readable kind, and a sentence for people."""

from __future__ import annotations

import json
from typing import NamedTuple


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
