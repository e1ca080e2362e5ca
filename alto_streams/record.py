"""What travels between stages: a value and the `alto` header beside it (ancestry, epoch, deadline, kind).

The header is one packed byte string: version, kind, port, epoch, deadline, question id, path; varints throughout. A
token four levels deep takes some fifty bytes. An attempt that equals its parent's is one bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from alto_streams.ancestry import FIRST, Ancestry, Attempt, Step
from alto_streams.errors import InvalidInput

HEADER = "alto"
VERSION = 1


class Kind(IntEnum):
    """What a record says to the stage that reads it."""

    ITEM = 0
    COUNT = 1  # the scope at this ancestry has `count` children, says the run `attempt`
    EMPTY = 2  # an item that was dropped: it counts, and has no value
    FAILURE = 3  # the question has failed; the value says why


@dataclass(frozen=True, slots=True)
class Record:
    """One record on an edge. `deadline` is in milliseconds since the Unix epoch."""

    kind: Kind
    port: int
    ancestry: Ancestry
    epoch: int
    deadline: int
    value: bytes = b""
    count: int = 0
    attempt: Attempt = FIRST


def _put(out: bytearray, number: int) -> None:
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def encode_header(record: Record) -> bytes:
    """The packed header of a record."""
    out = bytearray((VERSION, record.kind, record.port))
    _put(out, record.epoch)
    _put(out, record.deadline)
    question = record.ancestry.question.encode()
    _put(out, len(question))
    out += question
    path = record.ancestry.path
    _put(out, len(path))
    previous: Attempt | None = None
    for index, attempt in path:
        if attempt == previous:
            _put(out, index << 1 | 1)
        else:
            _put(out, index << 1)
            _put(out, attempt.generation)
            _put(out, attempt.run)
            previous = attempt
    if record.kind is Kind.COUNT:
        _put(out, record.count)
        _put(out, record.attempt.generation)
        _put(out, record.attempt.run)
    return bytes(out)


class _Reader:
    """Reads varints and bytes off a header; IndexError where it ends early."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    def number(self) -> int:
        result = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            result |= (byte & 0x7F) << shift
            if byte < 0x80:
                return result
            shift += 7

    def take(self, length: int) -> bytes:
        taken = self.data[self.at : self.at + length]
        if len(taken) != length:
            raise IndexError
        self.at += length
        return taken


def decode_record(header: bytes | None, value: bytes) -> Record:
    """The record that a header and a value make. Raises InvalidInput on a missing, unknown or broken header."""
    if header is None:
        raise InvalidInput(
            "missing_header", f"The record has no '{HEADER}' header.", "send questions to the input topic"
        )
    if not header or header[0] != VERSION:
        found = header[0] if header else "none"
        raise InvalidInput(
            "unknown_header_version",
            f"The record's '{HEADER}' header has version {found}; this release reads version {VERSION}.",
            "run one release of alto-streams on all stages",
        )
    try:
        return _decode(header, value)
    except (IndexError, UnicodeDecodeError, ValueError):
        raise InvalidInput("broken_header", f"The record's '{HEADER}' header is cut off or damaged.") from None


def _decode(header: bytes, value: bytes) -> Record:
    kind, port = Kind(header[1]), header[2]
    reader = _Reader(header, 3)
    epoch, deadline = reader.number(), reader.number()
    question = reader.take(reader.number()).decode()
    steps: list[Step] = []
    attempt = FIRST
    for _ in range(reader.number()):
        tagged = reader.number()
        if not tagged & 1:
            attempt = Attempt(reader.number(), reader.number())
        steps.append(Step(tagged >> 1, attempt))
    count, run = 0, FIRST
    if kind is Kind.COUNT:
        count, run = reader.number(), Attempt(reader.number(), reader.number())
    return Record(kind, port, Ancestry(question, tuple(steps)), epoch, deadline, value, count, run)
