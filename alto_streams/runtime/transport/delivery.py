"""The way of a record into the queues of the streams that read its topic."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from faust import Schema
from faust.exceptions import KeyDecodeError, ValueDecodeError

from alto_streams.runtime.transport.lane import Lane
from alto_streams.runtime.transport.ownership import Ownership, Record

_RAW_TYPES = (None, bytes)


class Route:
    """One channel, with what is asked of it for each record looked up once."""

    __slots__ = ("app", "channel", "event", "paced", "put", "queue", "raw")

    def __init__(self, app: Any, channel: Any) -> None:
        self.app, self.channel, self.queue = app, channel, channel.queue
        self.event = app.conf.Event
        self.put = channel.queue.force_put_nowait  # never full: what is delivered at once is little
        self.raw = _is_raw(app, channel)
        self.paced = False  # a stream reads it, which says when its queue is empty


def _is_raw(app: Any, channel: Any) -> bool:
    """Whether keys and values are handed on as the bytes that they are."""
    schema, defaults = channel.schema, app.serializers
    return (
        type(schema) is Schema
        and schema.key_type in _RAW_TYPES
        and schema.value_type in _RAW_TYPES
        and (schema.key_serializer or defaults.key_serializer) == "raw"
        and (schema.value_serializer or defaults.value_serializer) == "raw"
    )


class Dispatcher:
    """Keeps which channels a partition goes to, and delivers to those that are out of records."""

    def __init__(self, app: Any, consumer: Any) -> None:
        self._app, self._consumer = app, consumer
        self._routes: dict[Any, Route] = {}
        self._lanes: dict[frozenset[Any], Lane] = {}
        self._lanes_of: dict[Any, list[Lane]] = {}

    def connect(self, owners: Iterable[Ownership]) -> None:
        """Looks up afresh which channels each partition goes to."""
        for owner in owners:
            channels = frozenset(self._app.topics._tp_index.get(owner.tp, ()))
            if channels not in self._lanes:
                lane = self._lanes[channels] = Lane([self._route(channel) for channel in channels])
                for channel in channels:
                    self._lanes_of.setdefault(channel, []).append(lane)
            self._lanes[channels].adopt(owner)

    def pace(self, channel: Any) -> None:
        """From now on the channel gets records when it asks for them."""
        self._route(channel).paced = True

    def arrived(self, records: list[Record]) -> None:
        lanes = set()
        for record in records:
            lane = record.owner.lane
            lane.add(record)
            lanes.add(lane)
        for lane in lanes:
            self._feed(lane)

    def hungry(self, channel: Any) -> None:
        """Called by a stream that has nothing left in its queue."""
        for lane in self._lanes_of.get(channel, ()):
            if lane.turns:
                self._feed(lane)

    def _route(self, channel: Any) -> Route:
        if channel not in self._routes:
            self._routes[channel] = Route(self._app, channel)
        return self._routes[channel]

    def _feed(self, lane: Lane) -> None:
        if lane.raw:
            while lane.turns and lane.hungry():
                for record in lane.next():
                    self._put(record, lane)
        elif not lane.decoding:
            lane.decoding = True
            self._consumer.add_future(self._decode(lane))

    def _put(self, record: Record, lane: Lane) -> None:
        self._divide(record, lane)
        for route in lane.routes:
            route.put(route.event(route.app, record.key, record.value, record.headers, record))

    async def _decode(self, lane: Lane) -> None:
        """What cannot be decoded goes to the channel's error handler."""
        try:
            while lane.turns and lane.hungry():
                for record in lane.next():
                    self._divide(record, lane)
                    for route in lane.routes:
                        await self._decode_for(route, record)
        finally:
            lane.decoding = False

    async def _decode_for(self, route: Route, record: Record) -> None:
        try:
            route.put(await route.channel.decode(record, propagate=True))
        except KeyDecodeError as error:
            await self._refuse(record, route.channel.on_key_decode_error, error)
        except ValueDecodeError as error:
            await self._refuse(record, route.channel.on_value_decode_error, error)

    async def _refuse(self, record: Record, handler: Any, error: Exception) -> None:
        record.take()
        record.ack(self._consumer)
        await handler(error, record)

    def _divide(self, record: Record, lane: Lane) -> None:
        """From now on each channel's copy counts."""
        copies = record.refcount = len(lane.routes)
        if copies != 1:
            record.take(1 - copies)
            if not copies:
                record.ack(self._consumer)
