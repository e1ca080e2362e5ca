"""The header: nothing is lost on the way, it is small, and what others send does no harm."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alto_streams.ancestry import FIRST, Ancestry, Attempt, Step
from alto_streams.errors import InvalidInput
from alto_streams.record import LONGEST, REMEMBERED, VERSION, Kind, Record, _scopes, decode_record, encode_header

numbers = st.integers(0, 2**63)
attempts = st.builds(Attempt, numbers, numbers)
steps = st.builds(Step, numbers, attempts)
almost_uuids = st.text("0123456789abcdefAF- ", min_size=32, max_size=36)
ancestries = st.builds(
    Ancestry.at,
    st.text(max_size=40) | st.uuids().map(str) | st.uuids().map(lambda uuid: uuid.hex) | almost_uuids,
    st.lists(steps, max_size=6).map(tuple),
)
plain = st.builds(
    Record, st.sampled_from([Kind.ITEM, Kind.EMPTY, Kind.FAILURE, Kind.LAST]), st.integers(0, 255), ancestries, numbers,
    numbers, st.binary(max_size=40),
)  # fmt: skip
counts = st.builds(
    Record, st.just(Kind.COUNT), st.integers(0, 255), ancestries, numbers, numbers, st.just(b""), numbers, attempts
)


@given(plain | counts)
def test_a_record_survives_the_codec(record: Record) -> None:
    assert decode_record(encode_header(record), record.value) == record


@given(plain | counts)
def test_what_is_remembered_is_what_would_be_read(record: Record) -> None:
    header = encode_header(record)
    _scopes.clear()
    read = decode_record(header, record.value)
    assert decode_record(header, record.value) == read == record


few = st.integers(0, 1)


@given(
    st.lists(steps, min_size=1, max_size=4).map(tuple),
    st.lists(st.tuples(few, few, st.builds(Attempt, few, few)), max_size=6),
)
def test_what_an_ancestry_keeps_fits_no_other_epoch_deadline_or_attempt(
    path: tuple[Step, ...], seen: list[tuple[int, int, Attempt]]
) -> None:
    parent = Ancestry.at("q", path)
    for epoch, deadline, attempt in [*seen, *reversed(seen)]:
        for ancestry in (parent.child(3, attempt), parent, parent.cut(0)):
            for kind, count, made_by in ((Kind.ITEM, 0, FIRST), (Kind.COUNT, 5, attempt)):
                record = Record(kind, 0, ancestry, epoch, deadline, b"", count, made_by)
                afresh = Record(kind, 0, Ancestry.at("q", ancestry.path), epoch, deadline, b"", count, made_by)
                assert encode_header(record) == encode_header(afresh)


@given(plain | counts)
def test_a_record_that_was_read_is_sent_on_as_it_came(record: Record) -> None:
    header = encode_header(record)
    assert encode_header(decode_record(header, record.value)) == header


@given(st.lists(steps, min_size=2, max_size=6).map(tuple), numbers)
def test_siblings_that_were_read_have_one_parent(path: tuple[Step, ...], other: int) -> None:
    item = Ancestry.at("q", path)
    assert item.parent is not None
    sibling = Ancestry.at("q", item.parent.path).child(other, item.attempt)
    one, two = (decode_record(encode_header(Record(Kind.ITEM, 0, a, 1, 1)), b"").ancestry for a in (item, sibling))
    assert (one, two) == (item, sibling)
    assert one.parent is two.parent


def test_what_is_remembered_is_bounded() -> None:
    for scope in range(REMEMBERED + 10):
        item = Ancestry("q").child(scope, FIRST).child(0, Attempt(1, scope))
        decode_record(encode_header(Record(Kind.ITEM, 0, item, 1, 1)), b"")
        assert len(_scopes) <= REMEMBERED
    _scopes.clear()
    record = Record(Kind.ITEM, 0, Ancestry("q" * LONGEST).child(0, FIRST), 1, 1)
    assert decode_record(encode_header(record), b"") == record
    assert not _scopes


@pytest.mark.parametrize(
    "shared",
    [
        b"\x33" + b"\0" * 24,  # a question id of no known form
        b"\x07" + b"\0" * 9 + b"\x30" + b"\0" * 8 + b"\x01q",  # a step of no known form
        b"\x10\0" + b"\x30" + b"\0" * 8 + b"\x01q",  # a step below the question without an attempt
        b"\x10\0" * 5000 + b"\x30" + b"\0" * 8 + b"\x01q",  # more levels than a pipeline can have
    ],
)
def test_a_header_that_nobody_writes_is_broken(shared: bytes) -> None:
    with pytest.raises(InvalidInput, match="damaged"):
        decode_record(bytes((VERSION, Kind.ITEM, 0, 0)) + shared, b"")


@given(st.binary(max_size=200), st.booleans())
def test_arbitrary_bytes_raise_nothing_but_invalid_input(data: bytes, versioned: bool) -> None:
    with contextlib.suppress(InvalidInput):
        decode_record(bytes([VERSION]) + data if versioned else data, b"")


@given(plain | counts, st.data())
def test_a_header_cut_short_is_broken(record: Record, data: st.DataObject) -> None:
    header = encode_header(record)
    kept = data.draw(st.integers(1, len(header) - 1))
    with pytest.raises(InvalidInput):
        decode_record(header[:kept], b"")


def test_a_record_without_a_header_says_where_questions_go() -> None:
    with pytest.raises(InvalidInput, match="input topic"):
        decode_record(None, b"")


@given(st.integers(0, 50), st.integers(0, 20), st.integers(0, 2**21), st.integers(0, 1023))
def test_a_token_four_levels_deep_fits_in_64_bytes(generation: int, position: int, offset: int, partition: int) -> None:
    attempt = Attempt(generation, (offset << 10 | partition) * 4)
    question = Ancestry("f81d4fae7dec11d0")
    path = question.child(position, attempt).child(position, Attempt(generation, attempt.run + 4))
    token = path.child(position, Attempt(generation, attempt.run + 8)).child(
        position, Attempt(generation, attempt.run + 8)
    )
    assert len(encode_header(Record(Kind.ITEM, 0, token, 7, 1_800_000_000_000, b"Eiffel"))) < 64
