"""What is committed of a partition, and how it is written into the metadata of a Kafka offset commit.

The text is `alto1.ATTEMPT.CHECKSUM.PAYLOAD`. The payload says which offsets from the committed one on are unfinished,
in the shorter of two ways: `r`, the lengths of the runs of unfinished and done offsets in turn, or `b`, a bitmap; both
in base64. The bitmap bounds the length whatever is unfinished (`window`), the runs keep the usual case short. Coding
costs O(n) in the n unfinished offsets, and O(known - offset) where the bitmap is the shorter one.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

from alto_streams.errors import ProgressError, SettingError

MAX_ATTEMPT = 2**63

_OURS = re.compile(r"alto[0-9]")
_TEXT = re.compile(r"alto1\.([0-9]{1,19})\.([0-9a-f]{8})\.(?:([rb])([A-Za-z0-9_-]+))?")
_LONGEST_FRAME = len(f"alto1.{MAX_ATTEMPT}.01234567.b")


@dataclass(frozen=True, slots=True)
class Progress:
    """What is done of one partition: everything below `known`, but for what is listed as unfinished.

    `offset` is the committed one: the first that is not done, where to resume. `attempt` counts how many times the
    partition has been taken over. `unfinished` increases, begins with `offset` (unless `known` is `offset`) and stays
    below `known`. Offsets without a record (compaction, transaction markers) count as done. Raises ValueError where
    these numbers contradict each other.

    >>> text = encode(Progress(offset=100, attempt=3, unfinished=(100, 107), known=5000))
    >>> text
    'alto1.3.ad40de37.rAQYBnCY'
    >>> decode(100, text)
    Progress(offset=100, attempt=3, unfinished=(100, 107), known=5000)
    >>> decode(100, "written by another client")
    Progress(offset=100, attempt=0, unfinished=(), known=100)
    """

    offset: int
    attempt: int = 0
    unfinished: tuple[int, ...] = ()
    known: int = -1

    def __post_init__(self) -> None:
        if self.known == -1:
            object.__setattr__(self, "known", self.offset)
        marks = (*self.unfinished, self.known)
        if self.offset < 0 or marks[0] != self.offset or any(a >= b for a, b in pairwise(marks)):
            raise ValueError(f"Offset {self.offset}, unfinished {self.unfinished} and known {self.known} do not agree.")
        if not 0 <= self.attempt <= MAX_ATTEMPT:
            raise ValueError(f"Attempt {self.attempt} is not in 0..2**63.")


def encode(progress: Progress) -> str:
    """The ASCII text for the metadata of an offset commit."""
    payload = ""
    if progress.known > progress.offset:
        runs = _coded_runs(progress, limit=_bitmap_bytes(progress.known - progress.offset))
        shorter = _bitmap(progress) if runs is None else runs
        payload = ("b" if runs is None else "r") + urlsafe_b64encode(shorter).rstrip(b"=").decode()
    return f"alto1.{progress.attempt}.{_checksum(progress.offset, progress.attempt, payload)}.{payload}"


def decode(offset: int, metadata: str | None) -> Progress:
    """What the metadata of a commit of `offset` says. Metadata that is empty or another client's says nothing.

    Raises ProgressError when the metadata is ours but was written by another version, was damaged, or belongs to
    another offset (a tool that mirrors a consumer group translates the offset and keeps the metadata): to guess which
    records are done would lose some.
    """
    if not metadata or not _OURS.match(metadata):
        return Progress(offset)
    found = _TEXT.fullmatch(metadata)
    attempt, checksum, kind, coded = found.groups() if found else ("0", "", None, None)
    if checksum != _checksum(offset, int(attempt), f"{kind or ''}{coded or ''}"):
        raise ProgressError(
            f"The metadata '{metadata[:40]}' committed with offset {offset} is damaged, is of another version of "
            "alto-streams, or belongs to another offset.",
            "Set the group's offset afresh (kafka-consumer-groups.sh --reset-offsets); "
            "records done beyond it are then processed once more.",
        )
    if not coded:
        return Progress(offset, int(attempt))
    data = urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
    *unfinished, known = _marks_of_runs(data, offset) if kind == "r" else _marks_of_bitmap(data, offset)
    return Progress(offset, int(attempt), tuple(unfinished), known)


def window(limit_bytes: int) -> int:
    """The largest `known - offset` of which the text never exceeds `limit_bytes`, whatever is unfinished.

    Raises SettingError when not even one record fits beside the attempt.
    """
    characters = limit_bytes - _LONGEST_FRAME
    if characters < 2:
        raise SettingError(
            f"The broker's offset.metadata.max.bytes is {limit_bytes}: too little for the progress of a partition.",
            f"Set it to {_LONGEST_FRAME + 2} at least; Kafka's default is 4096.",
        )
    return characters * 6 // 8 * 8 - 1  # whole bytes of base64; the last bit ends the bitmap


def _checksum(offset: int, attempt: int, payload: str) -> str:
    return f"{crc32(f'{offset}.{attempt}.{payload}'.encode()):08x}"


def _coded_runs(progress: Progress, limit: int) -> bytes | None:
    """The run lengths as LEB128: seven bits a byte, the lowest first; all but a number's last byte have their top bit
    set. None where that is longer than `limit` bytes.
    """
    coded = bytearray()
    for length in _runs(progress):
        while length > 0x7F:
            coded.append(length & 0x7F | 0x80)
            length >>= 7
        coded.append(length)
        if len(coded) > limit:
            return None
    return bytes(coded)


def _runs(progress: Progress) -> Iterator[int]:
    """Lengths of the runs of unfinished and of done offsets, in turn, from `offset` to `known`."""
    start = end = progress.offset
    for offset in progress.unfinished:
        if offset > end:
            yield end - start
            yield offset - end
            start = offset
        end = offset + 1
    yield end - start
    if progress.known > end:
        yield progress.known - end


def _marks_of_runs(data: bytes, offset: int) -> Iterator[int]:
    """The unfinished offsets, then `known`."""
    unfinished, length, shift = True, 0, 0
    for byte in data:
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            if unfinished:
                yield from range(offset, offset + length)
            offset += length
            unfinished, length, shift = not unfinished, 0, 0
    yield offset


def _bitmap_bytes(span: int) -> int:
    return span // 8 + 1


def _bitmap(progress: Progress) -> bytes:
    """One bit an offset, set where it is unfinished; `known` is the last one set, which says where the bitmap ends."""
    bits = bytearray(_bitmap_bytes(progress.known - progress.offset))
    for mark in (*progress.unfinished, progress.known):
        index = mark - progress.offset
        bits[index >> 3] |= 1 << (index & 7)
    return bytes(bits)


def _marks_of_bitmap(data: bytes, offset: int) -> Iterator[int]:
    """The unfinished offsets, then `known`."""
    for start, byte in zip(range(offset, offset + 8 * len(data), 8), data, strict=True):
        for bit in range(8):
            if byte >> bit & 1:
                yield start + bit
