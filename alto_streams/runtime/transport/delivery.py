"""The way of a record into the queues of the streams that read its topic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faust import Schema
from faust.exceptions import KeyDecodeError, ValueDecodeError

from alto_streams.runtime.transport.ownership import Record

_RAW_TYPES = (None, bytes)


class Route:
    """One channel, with what is asked of it for each record looked up once."""

    __slots__ = ("app", "channel", "event", "put", "raw")

    def __init__(self, app: Any, channel: Any) -> None:
        self.app, self.channel = app, channel
        self.event = app.conf.Event
        # Past the queue's limit if need be: the poller holds the partition back.
        self.put = channel.queue.force_put_nowait
        self.raw = _is_raw(app, channel)


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


def deliver_raw(record: Record, routes: Sequence[Route], consumer: Any) -> None:
    """Puts a record into each channel, all of which take bytes."""
    _divide(record, routes, consumer)
    for route in routes:
        route.put(route.event(route.app, record.key, record.value, record.headers, record))


async def deliver(record: Record, routes: Sequence[Route], consumer: Any) -> None:
    """Puts a record into each channel; one that cannot be decoded goes to the channel's error handler."""
    _divide(record, routes, consumer)
    for route in routes:
        try:
            route.put(await route.channel.decode(record, propagate=True))
        except KeyDecodeError as error:
            await _refuse(record, consumer, route.channel.on_key_decode_error, error)
        except ValueDecodeError as error:
            await _refuse(record, consumer, route.channel.on_value_decode_error, error)


def _divide(record: Record, routes: Sequence[Route], consumer: Any) -> None:
    """From now on each channel's copy counts."""
    record.refcount = len(routes)
    if len(routes) != 1:
        record.take(1 - len(routes))
        if not routes:
            record.ack(consumer)


async def _refuse(record: Record, consumer: Any, handler: Any, error: Exception) -> None:
    record.take()
    record.ack(consumer)
    await handler(error, record)
