"""What the bytes of a token's header are spent on."""

from __future__ import annotations

from itertools import pairwise

from alto_streams.ancestry import Ancestry
from alto_streams.record import HEADER, Kind, Record, encode_header
from perf.core.records import tokens

SCOPES = 512


def header_bytes() -> dict[str, int]:
    """Least and most over many tokens; the header's name travels beside it and is not in them."""
    sizes = [len(encode_header(record)) for record in tokens(SCOPES)]
    return {"min": min(sizes), "max": max(sizes), "name": len(HEADER)}


def spent() -> dict[str, int]:
    """The largest header, part by part: what each part adds to the header of a record without it.

    >>> sum(spent().values()) == header_bytes()["max"]
    True
    """
    record = max(tokens(SCOPES), key=lambda one: len(encode_header(one)))
    question, path = record.ancestry.question, record.ancestry.path
    epoch, deadline = record.epoch, record.deadline
    grown = {
        "version, kind, port, epoch, deadline": Record(Kind.ITEM, 0, Ancestry(""), epoch, deadline),
        "question id": Record(Kind.ITEM, 0, Ancestry(question), epoch, deadline),
    }
    for depth in range(1, len(path) + 1):
        grown[f"level {depth}"] = Record(Kind.ITEM, 0, record.ancestry.cut(depth), epoch, deadline)
    sizes = [0, *(len(encode_header(stage)) for stage in grown.values())]
    return {name: after - before for name, (before, after) in zip(grown, pairwise(sizes), strict=True)}
