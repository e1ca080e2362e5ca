"""What travels between stages: a value and the `alto` header beside it (ancestry, epoch, deadline, kind).

The header is one packed byte string, varints throughout. First what is the record's own: version, kind, port, and its
index in its scope (of a count, the count). Then what the items of a scope and their count share, which is packed once
and read once for all of them: question id, epoch, deadline, levels above, the scope's attempt. An attempt that equals
its parent's is one bit, a question id that is a UUID takes 16 bytes; a token four levels deep takes some 56.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from uuid import UUID

from alto_streams.ancestry import FIRST, REMEMBERED, Ancestry, Attempt, Path, Step
from alto_streams.errors import InvalidInput

HEADER = "alto"
VERSION = 2


class Kind(IntEnum):
    """What a record says to the stage that reads it."""

    ITEM = 0
    COUNT = 1  # the scope at this ancestry has `count` children, says the run `attempt`
    EMPTY = 2  # an item that was dropped: it counts, and has no value
    FAILURE = 3  # the question has failed; the value says why


# An attribute of an Enum, and the constructor of a NamedTuple, cost more than all else that is done with them here.
_KINDS, _COUNT = tuple(Kind), Kind.COUNT
_new = tuple.__new__


@dataclass(slots=True, unsafe_hash=True)  # frozen, it would take three times as long to make
class Record:
    """One record on an edge, never changed. `deadline` is in milliseconds since the Unix epoch."""

    kind: Kind
    port: int
    ancestry: Ancestry
    epoch: int
    deadline: int
    value: bytes = b""
    count: int = 0
    attempt: Attempt = FIRST


_TEXT, _HEX, _DASHED = range(3)  # how a question id is packed


def encode_header(record: Record) -> bytes:
    """The packed header of a record."""
    kind, question, path = record.kind, record.ancestry.question, record.ancestry.path
    if kind is _COUNT:
        own, shared = record.count, _pack_scope(record.epoch, record.deadline, question, path, record.attempt)
    elif path:
        own = path[-1].position
        shared = _pack_scope(record.epoch, record.deadline, question, path[:-1], path[-1].attempt)
    else:
        own, shared = 0, _pack_scope(record.epoch, record.deadline, question, path, None)
    if own < 0x80:
        return bytes((VERSION, kind, record.port, own)) + shared
    return bytes((VERSION, kind, record.port)) + _varints([own]) + shared


@lru_cache(REMEMBERED)
def _pack_scope(epoch: int, deadline: int, question: str, above: Path, attempt: Attempt | None) -> bytes:
    """`attempt` is None for a question, which is in no scope."""
    form, packed = _pack_question(question)
    path = above if attempt is None else (*above, Step(0, attempt))
    numbers = [epoch, deadline, len(path)]
    previous: Attempt | None = None
    for index, made_by in path:
        if made_by == previous:
            numbers.append(index << 1 | 1)
        else:
            numbers += (index << 1, *made_by)
            previous = made_by
    return _varints([len(packed) << 2 | form]) + packed + _varints(numbers)


def _varints(numbers: list[int]) -> bytes:
    out = bytearray()
    for number in numbers:
        while number > 0x7F:
            out.append(number & 0x7F | 0x80)
            number >>= 7
        out.append(number)
    return bytes(out)


def _pack_question(question: str) -> tuple[int, bytes]:
    """A UUID in half its length, where exactly the same text comes of it again."""
    if len(question) in (32, 36):
        with suppress(ValueError):
            packed = bytes.fromhex(question.replace("-", ""))
            for form in (_HEX, _DASHED):
                if _unpack_question(form, packed) == question:
                    return form, packed
    return _TEXT, question.encode()


def _unpack_question(form: int, packed: bytes) -> str:
    if form == _TEXT:
        return packed.decode()
    return packed.hex() if form == _HEX else str(UUID(bytes=packed))


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
        kind, port, own, at = _KINDS[header[1]], header[2], header[3], 4
        if own > 0x7F:
            own, at = _varint(header, 3)
        question, epoch, deadline, above, attempt = _unpack_scope(header[at:])
    except (IndexError, ValueError):
        raise InvalidInput("broken_header", f"The record's '{HEADER}' header is cut off or damaged.") from None
    if kind is _COUNT:
        return Record(kind, port, Ancestry(question, above), epoch, deadline, value, own, attempt or FIRST)
    path = above if attempt is None else (*above, _new(Step, (own, attempt)))
    return Record(kind, port, _new(Ancestry, (question, path)), epoch, deadline, value)


@lru_cache(REMEMBERED)
def _unpack_scope(data: bytes) -> tuple[str, int, int, Path, Attempt | None]:
    """What `_pack_scope` packed. Raises IndexError or ValueError where it did not."""
    tagged, begin = _varint(data, 0)
    end = begin + (tagged >> 2)
    numbers: list[int] = []
    number = shift = 0
    for byte in data[end:]:
        if byte > 0x7F:
            number |= (byte & 0x7F) << shift
            shift += 7
        else:
            numbers.append(number | byte << shift)
            number = shift = 0
    at, attempt, steps = 3, FIRST, []
    for _ in range(numbers[2]):
        tagged_index = numbers[at]
        at += 1
        if not tagged_index & 1:
            attempt = _new(Attempt, numbers[at : at + 2])
            at += 2
        steps.append(_new(Step, (tagged_index >> 1, attempt)))
    if at != len(numbers) or shift:
        raise ValueError("more, or less, than a header")
    question = _unpack_question(tagged & 3, data[begin:end])
    return question, numbers[0], numbers[1], tuple(steps[:-1]), attempt if steps else None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where it ends."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
