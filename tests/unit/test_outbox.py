"""What becomes of an effect on its way to Kafka."""

from __future__ import annotations

from typing import Any

from alto_streams.ancestry import Ancestry
from alto_streams.effects import Publish, Tell
from alto_streams.record import HEADER, Kind, Record, encode_header
from alto_streams.routing import Router, RoutingTable
from alto_streams.runtime.outbox import Outbox
from alto_streams.runtime.settlement import Settlement


class Producer:
    """Keeps what is sent; a test delivers it."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []

    def post(self, *record: Any) -> None:
        self.sent.append(record)


def settlement() -> Settlement:
    return Settlement(lambda error: None)


def outbox(producer: Producer) -> Outbox:
    tables = [RoutingTable(1, {"stage": (0, 2, 5)}), RoutingTable(2, {"stage": (7,)})]
    return Outbox(producer, "p", Router(tables))


def test_a_result_so_far_says_that_it_is_not_final() -> None:
    producer = Producer()
    for final in (True, False):
        outbox(producer).post(Publish("progress", "best", "q", "0-a", b"x", final=final), settlement())
    headers = [dict(record[4]) for record in producer.sent]
    assert ["final" in one for one in headers] == [False, True]
    assert headers[1]["final"] == b"false"


def test_all_partitions_of_the_epoch_are_told_and_it_is_settled_when_all_have_it() -> None:
    producer, told = Producer(), settlement()
    ended = Record(Kind.ENDED, 0, Ancestry("q"), 1, 1000)
    outbox(producer).post(Tell("stage", ended), told)
    told.close()
    assert [(topic, partition) for topic, _, _, partition, *_ in producer.sent] == [
        ("p.stage.stage", n) for n in (0, 2, 5)
    ]
    assert all(dict(record[4]) == {HEADER: encode_header(ended)} for record in producer.sent)
    for *_, delivered in producer.sent:
        assert not told.settled
        delivered(None)
    assert told.settled
