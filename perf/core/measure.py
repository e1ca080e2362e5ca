"""One round: every part of the core over the same records, one part after another, in nanoseconds a record.

Time is the thread's processor time, so that other work on the machine does not count; the loop's own is in it. What is
sent is as a run makes it, siblings under one parent; what is received has come out of a header.
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
from alto_streams.record import Kind, Record, decode_record, encode_header
from alto_streams.routing import Router, RoutingTable
from perf.core.records import EPOCH, LEVELS, firsts, tokens

STAGE = "bm25"
KEY_DEPTH = len(LEVELS) - 1
PARTS = ("encode", "decode", "partition", "update")
PEERS = ("dict", *PARTS)


def costs(order: Sequence[str], scopes: int, number: int, cold: bool = False) -> dict[str, float]:
    """Nanoseconds a record of each peer, in the order asked for; `cold`: of the first record of each scope alone.

    A round's records, like those of each number from -1 on, were never seen before.
    """
    sent, written, read = (_records(scopes, (3 * number + part) * 2 + cold, cold) for part in range(3))
    headers = [encode_header(record) for record in written]
    received = [decode_record(encode_header(record), record.value) for record in read]
    deliveries = [Delivery(0, offset) for offset in range(len(received))]
    measures: dict[str, tuple[Callable[[], Any], int]] = {
        "dict": (lambda: _dict(sent), len(sent)),
        "encode": (lambda: _encode(sent), len(sent)),
        "decode": (lambda: _decode(headers), len(headers)),
        "partition": (lambda: _partition(sent, _router()), len(sent)),
        "update": (lambda: _update(received, deliveries, _table()), len(received)),
    }
    gc.collect()
    gc.freeze()  # as a worker does once it has started
    gc.set_threshold(50_000, 20, 20)
    try:
        return {peer: _timed(measures[peer][0]) / measures[peer][1] for peer in order}
    finally:
        gc.unfreeze()


def _records(scopes: int, seed: int, cold: bool) -> list[Record]:
    return firsts(tokens(scopes, seed)) if cold else tokens(scopes, seed)


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
    assert complete == sum(record.kind is Kind.LAST for record in records), "a scope has not closed"
    assert not released, "a record was taken for a copy"
