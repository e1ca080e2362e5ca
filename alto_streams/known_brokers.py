"""Whether a librdkafka client still knows a broker.

A broker that shuts down may answer for a moment that its cluster has no brokers. librdkafka (2.13 to 2.16 at least, see
its issue 5301) then forgets all it knew and asks nobody any more, not the bootstrap servers either: such a client stays
silent for good, though the brokers come back, and reports no error. Only another one in its place helps.
"""

from __future__ import annotations

import json
from typing import Any

from alto_streams.errors import BrokerError

LOOK_EVERY_MS = 3000
REAL = ("learned", "configured")  # not librdkafka's own, and not the name under which it looks for a coordinator


class KnownBrokers:
    """Watches one client by its statistics, which come while the client is polled; give it `settings`."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {"statistics.interval.ms": LOOK_EVERY_MS, "stats_cb": self._look}
        self._without = 0

    @property
    def forgotten(self) -> bool:
        """Whether the client knows no broker, and did not a look ago: while it begins anew it may know none."""
        return self._without > 1

    def error(self, client: str) -> BrokerError:
        """What to say of a client that has."""
        return BrokerError(
            f"The {client} was told that Kafka has no brokers, and looks for none any more.", "start the process again"
        )

    def _look(self, statistics: str) -> None:
        brokers = json.loads(statistics)["brokers"].values()
        known = any(broker["source"] in REAL for broker in brokers)
        self._without = 0 if known else self._without + 1
