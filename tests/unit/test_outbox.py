"""What becomes of an effect on its way to Kafka."""

from __future__ import annotations

import asyncio
from typing import Any

from alto_streams.ancestry import Ancestry
from alto_streams.effects import Publish, Tell
from alto_streams.record import HEADER, Kind, Record, encode_header
from alto_streams.routing import Router, RoutingTable
from alto_streams.runtime.outbox import Outbox


class Producer:
    """Keeps what is sent; a test delivers it."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []
        self.delivered: list[asyncio.Future[None]] = []

    async def send(self, *record: Any) -> asyncio.Future[None]:
        self.sent.append(record)
        self.delivered.append(asyncio.get_running_loop().create_future())
        return self.delivered[-1]


def outbox(producer: Producer) -> Outbox:
    tables = [RoutingTable(1, {"stage": (0, 2, 5)}), RoutingTable(2, {"stage": (7,)})]
    return Outbox(producer, "p", Router(tables))


async def test_a_result_so_far_says_that_it_is_not_final() -> None:
    producer = Producer()
    for final in (True, False):
        await outbox(producer).put(Publish("progress", "best", "q", "0-a", b"x", final=final))
    headers = [dict(record[5]) for record in producer.sent]
    assert ["final" in one for one in headers] == [False, True]
    assert headers[1]["final"] == b"false"


async def test_all_partitions_of_the_epoch_are_told_and_it_is_delivered_when_all_have_it() -> None:
    producer = Producer()
    ended = Record(Kind.ENDED, 0, Ancestry("q"), 1, 1000)
    told = await outbox(producer).put(Tell("stage", ended))
    assert [(topic, partition) for topic, _, _, partition, *_ in producer.sent] == [
        ("p.stage.stage", n) for n in (0, 2, 5)
    ]
    assert all(dict(record[5]) == {HEADER: encode_header(ended)} for record in producer.sent)
    for future in producer.delivered:
        assert not told.done()
        future.set_result(None)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert told.done()
