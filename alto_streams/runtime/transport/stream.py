"""A Faust stream that takes events from its queue without the detours of Faust's own iteration.

Faust gives the event loop a turn before every event, asks its sensors several times and goes through three coroutines
to an empty queue; here that is done when there is a reason. Agents, processors, `take`, `events` and the like are
Faust's, unchanged.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import faust
from faust.exceptions import Skip
from faust.streams import _current_event
from faust.types import ChannelT, EventT
from mode.utils.futures import maybe_async

from alto_streams.runtime.transport.ownership import Record

TURN_EVERY = 64  # events in a row before the event loop gets a turn


class Stream(faust.Stream[Any]):
    """Skips events of partitions that were given up since; acknowledges like Faust's own."""

    def __aiter__(self) -> AsyncIterator[Any]:
        if not isinstance(self.channel, ChannelT):
            return super().__aiter__()
        iterator: AsyncGenerator[Any, None] = self._events(self.channel.queue)
        self._active_agens.add(iterator)
        return iterator

    async def _events(self, queue: Any) -> AsyncGenerator[Any, None]:
        self._finalized = True
        started_here = await self.maybe_start()
        app: Any = self.app
        consumer, dispatcher = app.consumer, app.consumer.dispatcher
        dispatcher.pace(self.channel)
        sensors = app.sensors if list(app.sensors) else None
        weak, set_current = weakref.ref, _current_event.set
        in_a_row = 0
        try:
            while not self.should_stop:
                if queue.empty():
                    dispatcher.hungry(self.channel)
                if queue.empty():
                    in_a_row = 0
                    event = await queue.get()
                else:
                    in_a_row += 1
                    if in_a_row % TURN_EVERY == 0:
                        await asyncio.sleep(0)
                    event = queue.get_nowait()
                if not isinstance(event, EventT):
                    self.current_event = None
                    value = await self._processed(event)
                    if value is not self._skipped_value:
                        yield value
                    continue
                message = event.message
                if isinstance(message, Record):
                    message.take()
                    if not message.owner.live:
                        continue
                state = sensors and self._enter(sensors, message, event)
                set_current(weak(event))
                self.current_event = event
                acknowledge = self.enable_acks
                value = event.value
                if self._processors or self.join_strategy:
                    value = await self._processed(value)
                    if value is None:  # a join keeps it for later
                        continue
                try:
                    if value is self._skipped_value:
                        acknowledge = True
                    else:
                        self.events_total += 1
                        yield value
                finally:
                    self.current_event = None
                    if acknowledge and not app.should_stop:
                        last = message.ack(consumer)
                        if sensors is not None:
                            self._leave(sensors, message, event, state, last)
        except StopAsyncIteration:
            return
        finally:
            self._channel_stop_iteration(self.channel)
            if started_here:
                await self.stop()
                self.service_reset()

    async def _processed(self, value: Any) -> Any:
        try:
            for processor in self._processors:
                value = await maybe_async(processor(value))
            return await self.on_merge(value)
        except Skip:
            return self._skipped_value

    def _enter(self, sensors: Any, message: Any, event: Any) -> Any:
        if not message.tracked:
            message.tracked = True
            sensors.on_message_in(message.tp, message.offset, message)
        return sensors.on_stream_event_in(message.tp, message.offset, self, event)

    def _leave(self, sensors: Any, message: Any, event: Any, state: Any, last: bool) -> None:
        sensors.on_stream_event_out(message.tp, message.offset, self, event, state)
        if last:
            sensors.on_message_out(message.tp, message.offset, message)
