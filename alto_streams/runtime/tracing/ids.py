"""The ids of traces and spans, from ancestry alone: whoever reads a record knows the span of the run that made it.

So no header carries a trace context, and a stage that begins again after a crash finds the same ids.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from zlib import crc32

from alto_streams.ancestry import Ancestry, Attempt

_UUID = re.compile(r"[0-9a-fA-F]{32}")


@lru_cache(maxsize=1024)
def trace_id(question: str) -> str:
    """32 hexadecimal digits: those of the question's id where it is a UUID, else a digest of it.

    >>> trace_id("6F9619FF-8B86-D011-B42D-00CF4FC964FF")
    '6f9619ff8b86d011b42d00cf4fc964ff'
    """
    digits = question.replace("-", "")
    if _UUID.fullmatch(digits) and int(digits, 16):
        return digits.lower()
    return blake2b(question.encode(), digest_size=16).hexdigest()


def span_id(stage: str, ancestry: Ancestry, attempt: Attempt | None = None, part: str = "") -> str:
    """16 hexadecimal digits for a run of `stage` on what lies at `ancestry`; of an explicit stage on the `part` of it.

    Records tell the attempt of the run of an expand that made them; of others they do not, and such a run has none.
    """
    said = f"{stage}\0{part}\0" if attempt is None else f"{stage}\0{part}\0{attempt[0]},{attempt[1]}"
    found = ancestry
    while found.parent is not None:
        generation, run = found.attempt
        said = f"{said}\0{found.position},{generation},{run}"
        found = found.parent
    return blake2b(f"{said}\0{found.question}".encode(), digest_size=8).hexdigest()


def part_id(run: str, number: int) -> str:
    """16 hexadecimal digits for a part of the run of this id, counted from 0: a request to an engine."""
    return f"{int(run, 16) ^ number + 1:016x}"


def sampled(question: str, share: float) -> bool:
    """Whether a question is among the share that is traced; every stage says the same."""
    return crc32(question.encode()) < share * 2**32
