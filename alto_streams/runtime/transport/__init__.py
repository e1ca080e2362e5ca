"""A Faust transport over librdkafka: `faust.App("id", broker="alto://localhost:9092")`.

Agents stay as they are. Records come in batches from a polling thread, partitions move one by one (cooperative
rebalancing), and a commit holds what is done beyond the committed offset, so that nothing acknowledged comes again and
nothing else is lost. For apps without tables; docs/transport.md tells the rest.
"""

from __future__ import annotations

import warnings
from typing import Any

import confluent_kafka
import faust
from faust.exceptions import AlreadyConfiguredWarning
from faust.tables.manager import TableManager
from faust.transport import base

from alto_streams.errors import SettingError
from alto_streams.runtime.transport.consumer import Consumer
from alto_streams.runtime.transport.producer import Producer
from alto_streams.runtime.transport.stream import Stream

__all__ = ["Consumer", "Producer", "Stream", "Transport"]


class NoTables(TableManager):
    """Starts at once: Faust's own waits a second for tables to be declared, then for their recovery."""

    async def on_start(self) -> None:
        await self._update_channels()

    async def on_stop(self) -> None:
        return None

    def on_partitions_revoked(self, revoked: Any) -> None:
        return None


class Conductor(base.Conductor):
    """Keeps which stream reads which topic; subscribes to added topics within a second."""

    _resubscribe_sleep_lock_seconds = 1.0


class Transport(base.Transport):
    """Found by Faust under `alto://`."""

    Consumer = Consumer
    Producer = Producer
    Conductor = Conductor
    driver_version = f"confluent-kafka={confluent_kafka.version()}"

    def __init__(self, url: Any, app: Any, loop: Any = None) -> None:
        super().__init__(url, app, loop)
        with warnings.catch_warnings():  # that a setting was read before: this is what was read
            warnings.simplefilter("ignore", AlreadyConfiguredWarning)
            self._adopt(app, app.conf)

    def _adopt(self, app: Any, conf: Any) -> None:
        """Puts our parts where the app has Faust's. Raises SettingError where it has parts of its own."""
        if conf.Stream is faust.Stream:
            conf.Stream = Stream
        elif not issubclass(conf.Stream, Stream):
            raise SettingError(
                f"The setting Stream of the app '{conf.id}' is {conf.Stream.__qualname__}, which does not know the "
                "alto:// transport.",
                "derive it from alto_streams.runtime.transport.Stream",
            )
        if conf.TableManager is TableManager:
            conf.TableManager = NoTables
