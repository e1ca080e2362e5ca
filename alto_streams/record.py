"""What travels between stages: a value and the `alto` header beside it (ancestry, epoch, deadline, kind).

The header is one packed byte string. First what is the record's own: version, kind, port, and its index in its scope
(of a count, the count). Then what the items of a scope and their count share: a step for each level above, from the
lowest up, and at last the question, with its epoch and deadline. A step is the index of the item that the scope was
opened under and the attempt of the run that opened it, in one bit where that run made the item too. So the headers of
one question have the same end, those of one claim a longer one: an end is packed once, and read once, for all that have
it. A question id that is a UUID takes 16 bytes; a token four levels deep takes 60. Numbers have 64 bits at most, except
for the record's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from struct import error as StructError
from uuid import UUID

from alto_streams.ancestry import FIRST, Ancestry, Attempt
from alto_streams.errors import InvalidInput

HEADER = "alto"
VERSION = 4


class Kind(IntEnum):
    """What a record says to the stage that reads it."""

    ITEM = 0
    COUNT = 1  # the scope at this ancestry has `count` children, says the run `attempt`
    EMPTY = 2  # an item that was dropped: it counts, and has no value
    FAILURE = 3  # the question has failed; the value says why
    ENDED = 4  # nobody needs what descends from this ancestry any more
    LAST = 5  # an item, and a count in one: it is the last of its scope


# An attribute of an Enum, and the constructor of a NamedTuple, cost more than all else that is done with them here.
_KINDS, _ITEM, _COUNT, _LAST = tuple(Kind), Kind.ITEM, Kind.COUNT, Kind.LAST
_new, _bare = tuple.__new__, object.__new__


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

    @property
    def valued(self) -> bool:
        """Whether it has the value of an item."""
        return self.kind is _ITEM or self.kind is _LAST

    def ends(self, ancestry: Ancestry, epoch: int) -> bool:
        """Whether this record, of kind ENDED, speaks of another. One epoch's records are all told, or none of them: a
        question that is asked again under its old id may have another epoch.
        """
        return self.epoch == epoch and self.ancestry.covers(ancestry)


# The first byte of a step, or of the question, says what follows it.
_STEP, _SAME, _TOP, _QUESTION = 0x00, 0x10, 0x20, 0x30  # `_TOP`: opened under the question, which has no index
_WIDE = 0x08  # a number that is too large for its place in the usual form
_TEXT, _HEX, _DASHED = range(3)  # how a question id is packed
# One call packs a step: form, index, attempt (16 bits of generation, 48 of run); of a question, epoch and deadline.
_OWN, _NUMBER, _INDEX_NUMBER = Struct("<4B"), Struct("<BQ"), Struct("<BBQ")
_WIDE_NUMBERS, _WIDE_INDEX_NUMBERS = Struct("<BQQ"), Struct("<BQQQ")
_SPLIT, _LOW = 48, (1 << 48) - 1

REMEMBERED = 4096  # scopes, and ends of them: some megabytes, and more than an instance reads at a time
LONGEST = 512  # bytes that are remembered
_Scope = tuple[int, int, Ancestry, Attempt | None]  # epoch, deadline, what the scope was opened under, by which run
_scopes: dict[bytes, _Scope] = {}


def encode_header(record: Record) -> bytes:
    """The packed header of a record."""
    kind, ancestry = record.kind, record.ancestry
    parent = ancestry.parent
    attempt: Attempt | None
    if kind is _COUNT:
        own, scope, attempt = record.count, ancestry, record.attempt
    elif parent is not None:
        own, scope, attempt = ancestry.position, parent, ancestry.attempt
    else:
        own, scope, attempt = 0, ancestry, None
    packed = scope.packed
    if packed is None or packed[0] != record.epoch or packed[1] != record.deadline or packed[2] != attempt:
        shared = _pack_scope(record.epoch, record.deadline, scope, attempt)
    else:
        shared = packed[3]
    if own < 0x80:
        return _OWN.pack(VERSION, kind, record.port, own) + shared
    return bytes((VERSION, kind, record.port)) + _varint(own) + shared


def _pack_scope(epoch: int, deadline: int, scope: Ancestry, attempt: Attempt | None) -> bytes:
    """What the children of an item share in one attempt, which is None for the question itself: it is in no scope."""
    packed = scope.packed
    if packed is not None and packed[0] == epoch and packed[1] == deadline and packed[2] == attempt:
        return packed[3]
    if scope.parent is None:
        shared = _pack_question(scope.question, epoch, deadline)
        if attempt is not None:
            shared = _pack_pair(_TOP, *attempt) + shared
    else:
        assert attempt is not None
        above = _pack_scope(epoch, deadline, scope.parent, scope.attempt)
        index, (generation, run) = scope.position, attempt
        if attempt == scope.attempt:
            shared = b"%c%b%b" % (_SAME, _varint(index), above)
        elif index >> 8 or generation >> 16 or run >> _SPLIT:
            shared = _WIDE_INDEX_NUMBERS.pack(_STEP | _WIDE, index, generation, run) + above
        else:
            shared = _INDEX_NUMBER.pack(_STEP, index, generation << _SPLIT | run) + above
    scope.packed = epoch, deadline, attempt, shared
    return shared


def _pack_question(question: str, epoch: int, deadline: int) -> bytes:
    form, packed = _pack_id(question)
    size = _varint(len(packed)) if form == _TEXT else b""
    return _pack_pair(_QUESTION | form, epoch, deadline) + size + packed


def _pack_pair(form: int, small: int, large: int) -> bytes:
    if small >> 16 or large >> _SPLIT:
        return _WIDE_NUMBERS.pack(form | _WIDE, small, large)
    return _NUMBER.pack(form, small << _SPLIT | large)


def _varint(number: int) -> bytes:
    if number < 0x80:
        return b"%c" % number
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _pack_id(question: str) -> tuple[int, bytes]:
    """A UUID in half its length, where exactly the same text comes of it again."""
    form = {32: _HEX, 36: _DASHED}.get(len(question), _TEXT)
    if form != _TEXT:
        try:
            packed = bytes.fromhex(question.replace("-", ""))
            if _unpack_id(form, packed) == question:
                return form, packed
        except ValueError:
            pass
    return _TEXT, question.encode()


def _unpack_id(form: int, packed: bytes) -> str:
    if form == _TEXT:
        return packed.decode()
    return packed.hex() if form == _HEX else str(UUID(bytes=packed))


def decode_record(header: bytes | None, value: bytes) -> Record:
    """The record that a header and a value make. Raises InvalidInput on a missing, unknown or broken header."""
    if not header or header[0] != VERSION:
        if header is None:
            raise InvalidInput(
                "missing_header", f"The record has no '{HEADER}' header.", "send questions to the input topic"
            )
        found = header[0] if header else "none"
        raise InvalidInput(
            "unknown_header_version",
            f"The record's '{HEADER}' header has version {found}; this release reads version {VERSION}.",
            "run one release of alto-streams on all stages",
        )
    try:
        kind, port, own = _KINDS[header[1]], header[2], header[3]
        if own < 0x80:
            shared = header[4:]
        else:
            own, at = _read_varint(header, 3)
            shared = header[at:]
        epoch, deadline, scope, attempt = _scopes.get(shared) or _read_scope(shared)
    except (IndexError, ValueError, RecursionError, StructError):
        raise InvalidInput("broken_header", f"The record's '{HEADER}' header is cut off or damaged.") from None
    if kind is _COUNT:
        return Record(kind, port, scope, epoch, deadline, value, own, attempt or FIRST)
    record = _bare(Record)  # as Record(...) does, in two thirds of the time
    record.kind, record.port, record.epoch, record.deadline, record.value = kind, port, epoch, deadline, value
    record.ancestry = scope if attempt is None else scope.child(own, attempt)
    record.count, record.attempt = 0, FIRST
    return record


def _read_scope(data: bytes) -> _Scope:
    """What `_pack_scope` packed, remembered. Raises IndexError, ValueError or struct.error where it did not."""
    form = data[0]
    index, attempt = None, None
    if form == _STEP:
        _, index, number = _INDEX_NUMBER.unpack_from(data)
        attempt, above = _new(Attempt, (number >> _SPLIT, number & _LOW)), data[_INDEX_NUMBER.size :]
    elif form >= _QUESTION:
        return _remember(data, *_read_question(data), None)
    elif form == _SAME:
        index, at = _read_varint(data, 1)
        above = data[at:]
    elif form == _STEP | _WIDE:
        _, index, generation, run = _WIDE_INDEX_NUMBERS.unpack_from(data)
        attempt, above = Attempt(generation, run), data[_WIDE_INDEX_NUMBERS.size :]
    else:
        generation, run, at = _read_pair(data, _TOP)
        attempt, above = Attempt(generation, run), data[at:]
    epoch, deadline, scope, made_by = _scopes.get(above) or _read_scope(above)
    if index is not None and made_by is not None:
        scope = Ancestry(scope.question, scope, index, made_by)
    elif index is not made_by:
        raise ValueError("a step without the step above it")
    return _remember(data, epoch, deadline, scope, attempt or made_by)


def _remember(data: bytes, epoch: int, deadline: int, scope: Ancestry, attempt: Attempt | None) -> _Scope:
    scope.packed = epoch, deadline, attempt, data  # for whoever sends on what it reads
    read = epoch, deadline, scope, attempt
    if len(_scopes) >= REMEMBERED:
        _scopes.clear()
    if len(data) <= LONGEST:
        _scopes[data] = read
    return read


def _read_question(data: bytes) -> tuple[int, int, Ancestry]:
    form = data[0] & 3
    epoch, deadline, at = _read_pair(data, _QUESTION | form)
    size, at = _read_varint(data, at) if form == _TEXT else (16, at)
    packed = data[at:]
    if len(packed) != size or form > _DASHED:
        raise ValueError("more, or less, than a header")
    return epoch, deadline, Ancestry(_unpack_id(form, packed))


def _read_pair(data: bytes, form: int) -> tuple[int, int, int]:
    """What `_pack_pair` packed, and where it ends."""
    if data[0] == form:
        _, number = _NUMBER.unpack_from(data)
        return number >> _SPLIT, number & _LOW, _NUMBER.size
    if data[0] != form | _WIDE:
        raise ValueError("an unknown form")
    _, small, large = _WIDE_NUMBERS.unpack_from(data)
    return small, large, _WIDE_NUMBERS.size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where it ends."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
