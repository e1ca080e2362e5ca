"""What an explicit record carries before its value: one line of JSON, with its lineage and its constraint.

Any Kafka tool shows it; the `alto` header beside it has the question, its deadline and its routing table.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from alto_streams.ancestry import Attempt
from alto_streams.errors import InvalidInput
from alto_streams.explicit.lineage import Lineage, Link


class Envelope(NamedTuple):
    """`ids` is the constraint without the question, which the header has; empty too where there is no constraint."""

    lineage: Lineage
    ids: tuple[str, ...]


def pack(envelope: Envelope, value: bytes) -> bytes:
    """
    >>> pack(Envelope((Link("answer", ("questions",), Attempt(1, 4), "0"),), ("0",)), b"value")
    b'[[["answer",["questions"],1,4,"0"]],["0"]]\\nvalue'
    """
    links = [(link.stage, link.of, *link.attempt, link.id) for link in envelope.lineage]
    return json.dumps((links, envelope.ids), separators=(",", ":")).encode() + b"\n" + value


def unpack(data: bytes) -> tuple[Envelope, bytes]:
    """Raises InvalidInput where `pack` did not make it."""
    line, _, value = data.partition(b"\n")
    try:
        links, ids = json.loads(line)
        lineage = tuple(Link(stage, tuple(of), Attempt(int(g), int(run)), id) for stage, of, g, run, id in links)
        return Envelope(lineage, tuple(ids)), value
    except (ValueError, TypeError):
        raise InvalidInput(
            "broken_envelope",
            "The record does not begin with a line that says where it comes from.",
            "write to the queues of an explicit pipeline from its stages only",
        ) from None
