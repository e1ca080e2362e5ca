"""The header: nothing is lost on the way, it is small, and what others send does no harm."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alto_streams.ancestry import Ancestry, Attempt, Step
from alto_streams.errors import InvalidInput
from alto_streams.record import VERSION, Kind, Record, decode_record, encode_header

numbers = st.integers(0, 2**63)
attempts = st.builds(Attempt, numbers, numbers)
steps = st.builds(Step, numbers, attempts)
almost_uuids = st.text("0123456789abcdefAF- ", min_size=32, max_size=36)
ancestries = st.builds(
    Ancestry,
    st.text(max_size=40) | st.uuids().map(str) | st.uuids().map(lambda uuid: uuid.hex) | almost_uuids,
    st.lists(steps, max_size=6).map(tuple),
)
plain = st.builds(
    Record, st.sampled_from([Kind.ITEM, Kind.EMPTY, Kind.FAILURE]), st.integers(0, 255), ancestries, numbers, numbers,
    st.binary(max_size=40),
)  # fmt: skip
counts = st.builds(
    Record, st.just(Kind.COUNT), st.integers(0, 255), ancestries, numbers, numbers, st.just(b""), numbers, attempts
)


@given(plain | counts)
def test_a_record_survives_the_codec(record: Record) -> None:
    assert decode_record(encode_header(record), record.value) == record


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
