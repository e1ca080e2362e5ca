"""The offset ledger against a model that remembers everything."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alto_streams.offsets import OffsetLedger


@given(st.lists(st.integers(1, 4), max_size=80), st.data())
def test_the_commit_never_passes_an_open_record_and_lags_no_more_than_it_must(
    gaps: list[int], data: st.DataObject
) -> None:
    ledger = OffsetLedger()
    assert ledger.committable() is None
    offset, delivered, open_ = 100, [], []
    for gap in gaps:
        offset += gap
        ledger.delivered(offset)
        delivered.append(offset)
        open_.append(offset)
        while open_ and data.draw(st.booleans()):
            closed = data.draw(st.sampled_from(open_))
            open_.remove(closed)
            ledger.acknowledge(closed)
            ledger.acknowledge(closed)
        assert ledger.committable() == (min(open_) if open_ else max(delivered) + 1)
        assert ledger.in_flight == len(open_)


@given(st.permutations(range(30)))
def test_any_order_of_acknowledgement_ends_behind_the_last_record(order: list[int]) -> None:
    ledger = OffsetLedger()
    for offset in range(30):
        ledger.delivered(offset)
    for done, offset in enumerate(order):
        assert ledger.committable() == min(order[done:])
        ledger.acknowledge(offset)
    assert ledger.committable() == 30


def test_what_was_never_delivered_is_not_acknowledged() -> None:
    ledger = OffsetLedger()
    ledger.acknowledge(3)
    assert ledger.committable() is None
    ledger.delivered(3)
    assert ledger.committable() == 3


def test_memory_is_bounded_by_what_is_open_though_the_first_record_stays() -> None:
    ledger = OffsetLedger()
    ledger.delivered(0)
    for offset in range(1, 10_000):
        ledger.delivered(offset)
        ledger.acknowledge(offset)
    assert ledger.committable() == 0
    assert ledger.in_flight == 1
    assert len(ledger._heap) + len(ledger._open) < 100
