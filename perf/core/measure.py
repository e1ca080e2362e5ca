"""One round: every part of the core over the same records, one part after another, in nanoseconds a record.

Time is the thread's processor time, so that other work on the machine does not count; the loop's own is in it.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from typing import Any

from alto_streams.ancestry import constraint
from alto_streams.effects import Delivery
from alto_streams.groups import GroupTable
from alto_streams.operators import Count
from alto_streams.plan import Port
from alto_streams.record import Record, decode_record, encode_header
from alto_streams.routing import Router, RoutingTable
from perf.core.records import EPOCH, LEVELS, WORDS, tokens

STAGE = "bm25"
KEY_DEPTH = len(LEVELS) - 1
PARTS = ("encode", "decode", "partition", "update")
PEERS = ("dict", *PARTS)


def costs(order: Sequence[str], scopes: int, seed: int) -> dict[str, float]:
    """Nanoseconds a record of each peer, in the order asked for. A seed's records were never seen before."""
    records = tokens(scopes, seed)
    headers = [encode_header(record) for record in tokens(scopes, seed + 1)]
    measures: dict[str, Callable[[], Any]] = {
        "dict": lambda: _dict(records),
        "encode": lambda: _encode(records),
        "decode": lambda: _decode(headers),
        "partition": lambda: _partition(records, _router()),
        "update": lambda: _update(records, deliveries, _table()),
    }
    deliveries = [Delivery(0, offset) for offset in range(len(records))]
    gc.collect()
    gc.freeze()  # the collector need not look at the benchmark's own records
    try:
        return {peer: _timed(measures[peer]) / len(records) for peer in order}
    finally:
        gc.unfreeze()


def _timed(measure: Callable[[], Any]) -> float:
    begun = time.thread_time_ns()
    measure()
    return time.thread_time_ns() - begun


def _router() -> Router:
    return Router([RoutingTable(EPOCH, {STAGE: (0, 1, 2, 4, 5, 7, 8, 9)})])


def _table() -> GroupTable:
    return GroupTable((Port("generate.token", bytes, LEVELS, 1, Count()),), KEY_DEPTH)


def _dict(records: list[Record]) -> None:
    counts: dict[int, int] = {}
    for number, _ in enumerate(records):
        counts[number] = number


def _encode(records: list[Record]) -> None:
    for record in records:
        encode_header(record)


def _decode(headers: list[bytes]) -> None:
    for header in headers:
        decode_record(header, b"")


def _partition(records: list[Record], router: Router) -> None:
    for record in records:
        router.partition(STAGE, record.epoch, constraint(record.ancestry, KEY_DEPTH))


def _update(records: list[Record], deliveries: list[Delivery], table: GroupTable) -> None:
    released: list[Delivery] = []
    complete = 0
    for record, delivery in zip(records, deliveries, strict=True):
        complete += table.receive(record, record.value, delivery, released) is not None
    assert complete * (WORDS + 1) == len(records), "a scope has not closed"
    assert not released, "a record was taken for a copy"
