"""When a client counts as having forgotten its brokers."""

from __future__ import annotations

import json

from alto_streams.known_brokers import KnownBrokers


def seen(*sources: str) -> KnownBrokers:
    """After these looks: of each the sources of the brokers, comma between them."""
    known = KnownBrokers()
    for look in sources:
        brokers = {str(i): {"source": source} for i, source in enumerate(look.split(",")) if source}
        known.settings["stats_cb"](json.dumps({"brokers": brokers}))
    return known


def test_one_look_without_brokers_is_not_enough() -> None:
    assert not seen().forgotten
    assert not seen("configured", "").forgotten
    assert not seen("", "learned", "").forgotten
    assert seen("learned", "", "").forgotten


def test_what_is_no_broker_does_not_count() -> None:
    assert seen("internal,logical", "logical").forgotten
    assert not seen("internal", "logical,configured").forgotten
