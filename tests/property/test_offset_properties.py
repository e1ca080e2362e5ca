"""The offset ledger against models that remember everything."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from alto_streams.offsets import OffsetLedger
from alto_streams.progress import Progress, decode, encode

progresses = st.builds(
    lambda offset, gaps: Progress(
        offset, 3, tuple(offset + sum(gaps[:n]) for n in range(len(gaps))), offset + sum(gaps)
    ),
    st.integers(0, 50),
    st.lists(st.integers(1, 5), max_size=20),
)


@given(st.lists(st.integers(1, 4), max_size=80), st.data())
def test_the_commit_never_passes_an_open_record_and_lags_no_more_than_it_must(
    gaps: list[int], data: st.DataObject
) -> None:
    ledger = OffsetLedger()
    assert ledger.committable() is None
    offset, open_ = 100, []
    for gap in gaps:
        offset += gap
        assert ledger.arrived(offset)
        open_.append(offset)
        while open_ and data.draw(st.booleans()):
            closed = data.draw(st.sampled_from(open_))
            open_.remove(closed)
            ledger.acknowledge(closed)
            ledger.acknowledge(closed)
        watermark = min(open_) if open_ else offset + 1
        assert ledger.committable() == watermark
        assert ledger.in_flight == len(open_)
        assert ledger.span == offset + 1 - watermark
        assert ledger.progress(2) == Progress(watermark, 2, tuple(sorted(open_)), offset + 1)


@given(st.permutations(range(30)))
def test_any_order_of_acknowledgement_ends_behind_the_last_record(order: list[int]) -> None:
    ledger = OffsetLedger()
    for offset in range(30):
        ledger.arrived(offset)
    for done, offset in enumerate(order):
        assert ledger.committable() == min(order[done:])
        ledger.acknowledge(offset)
    assert ledger.committable() == 30


@given(progresses)
def test_a_commit_right_after_a_takeover_repeats_what_was_committed(progress: Progress) -> None:
    assert OffsetLedger(progress).progress(progress.attempt) == progress


@given(progresses, st.sets(st.integers(0, 160)))
def test_after_a_takeover_each_record_is_delivered_unless_it_was_done(progress: Progress, log: set[int]) -> None:
    ledger = OffsetLedger(progress)
    delivered = [offset for offset in sorted(log) if offset >= progress.offset and ledger.arrived(offset)]
    assert delivered == sorted(log & {*progress.unfinished, *range(progress.known, 161)})
    # What is still awaited is above all that came: the rest is gone from the log.
    last = max((offset for offset in log if offset >= progress.offset), default=-1)
    left = sorted({*delivered, *(offset for offset in progress.unfinished if offset > last)})
    after = ledger.progress(4)
    assert after is not None
    assert after.unfinished == tuple(left)
    assert after.known == max(progress.known, last + 1 if delivered and delivered[-1] == last else 0)


@given(st.integers(2, 40), st.data())
def test_records_acknowledged_together_come_back_whole_or_not_at_all(count: int, data: st.DataObject) -> None:
    ledger = OffsetLedger()
    for offset in range(count):
        ledger.arrived(offset)
    scope = {offset: data.draw(st.integers(0, 5)) for offset in range(count)}
    committed: Progress | None = None
    crash_after = data.draw(st.integers(0, 6))
    for closed in data.draw(st.permutations(range(6)))[:crash_after]:
        for offset in scope:
            if scope[offset] == closed:
                ledger.acknowledge(offset)
        if data.draw(st.booleans()):
            progress = ledger.progress(1)
            assert progress is not None
            committed = decode(progress.offset, encode(progress))
    taken_over = OffsetLedger(committed)
    first = committed.offset if committed else 0
    again = {offset for offset in range(first, count) if taken_over.arrived(offset)}
    for one in range(6):
        records = {offset for offset in scope if scope[offset] == one}
        assert records <= again or not records & again


@given(progresses, st.lists(st.integers(1, 9), max_size=60), st.integers(1, 30), st.data())
def test_what_is_admitted_keeps_within_the_window_and_nothing_waits_for_ever(
    resumed: Progress, gaps: list[int], window: int, data: st.DataObject
) -> None:
    ledger = OffsetLedger(resumed)
    limit = max(window, ledger.span)
    offset = resumed.offset - 1
    for gap in gaps:
        offset += gap
        while not ledger.admits(offset, window):
            assert ledger.in_flight
            open_ = [o for o in ledger.progress(0).unfinished if o < offset]  # type: ignore[union-attr]
            ledger.acknowledge(data.draw(st.sampled_from(open_)))
        ledger.arrived(offset)
        assert ledger.span <= limit
        if ledger.span <= window:
            limit = window


def test_a_record_is_admitted_until_the_window_is_full() -> None:
    ledger = OffsetLedger()
    assert ledger.admits(1000, window=10)
    ledger.arrived(1000)
    assert ledger.admits(1009, window=10)
    assert not ledger.admits(1010, window=10)
    ledger.acknowledge(1000)
    assert ledger.admits(5000, window=10)


def test_what_never_arrived_is_not_acknowledged() -> None:
    ledger = OffsetLedger()
    ledger.acknowledge(3)
    assert ledger.committable() is None
    assert ledger.progress(1) is None
    assert ledger.span == 0
    ledger.arrived(3)
    assert ledger.committable() == 3
    taken_over = OffsetLedger(Progress(3, 1, (3,), 5))
    taken_over.acknowledge(3)
    assert taken_over.committable() == 3


def test_a_record_that_comes_twice_is_delivered_once() -> None:
    ledger = OffsetLedger(Progress(3, 1, (3,), 5))
    assert [ledger.arrived(offset) for offset in (3, 3, 5, 5, 3)] == [True, False, True, False, False]
    assert ledger.in_flight == 2


def test_a_span_stays_wide_until_what_is_awaited_has_come() -> None:
    ledger = OffsetLedger(Progress(10, 1, (10, 11), 1000))
    assert ledger.arrived(10)
    ledger.acknowledge(10)
    assert (ledger.span, ledger.in_flight, ledger.awaiting) == (989, 0, 1)
    assert ledger.arrived(11)
    ledger.acknowledge(11)
    assert (ledger.span, ledger.in_flight, ledger.awaiting) == (0, 0, 0)


def test_what_retention_removed_does_not_hold_back_the_commit() -> None:
    ledger = OffsetLedger(Progress(10, 1, (10, 20, 25), 30))
    assert not ledger.arrived(22)
    assert ledger.committable() == 25
    assert ledger.arrived(40)
    assert ledger.committable() == 40
    assert ledger.span == 1


def test_memory_is_bounded_by_what_is_open_though_the_first_record_stays() -> None:
    tracemalloc.start()
    try:
        ledger = OffsetLedger(Progress(0, 1, (0, 5000), 6000))
        for offset in range(50_000):
            if ledger.arrived(offset) and offset:
                ledger.acknowledge(offset)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ledger.committable() == 0
    assert ledger.in_flight == 1
    assert kept < 20_000
    assert len(encode(ledger.progress(1))) < 40  # type: ignore[arg-type]
