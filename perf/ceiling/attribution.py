"""Whose a sampled stack is: the innermost frame that belongs to one of the parts decides.

The parts are the same for both stacks, so that they can be drawn side by side. What asyncio does on its own account
(its loop, its timers) is a part, too; what it does at somebody's call is that one's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

BROKER, TRANSPORT, FAUST, LOOP, CORE, STAGES, ENGINE = PARTS = (
    "broker",
    "transport",
    "Faust",
    "event loop",
    "core",
    "stages",
    "engine",
)
MEANING = {
    BROKER: "Kafka's process",
    TRANSPORT: "librdkafka's threads and alto_streams/runtime/transport; aiokafka",
    FAUST: "faust and mode",
    LOOP: "asyncio and what no other part asked for",
    CORE: "the rest of alto_streams; perf/peers/faust_plain",
    STAGES: "the stages' functions and messages: the same for both",
    ENGINE: "the emulated engine: the same for both",
}

# The first that matches: what is special comes before what is general.
_PLACES = (
    ("alto_streams/engines/", ENGINE),
    ("perf/ceiling/", STAGES),
    ("alto_streams/runtime/transport/", TRANSPORT),
    ("alto_streams/supervisor/", LOOP),  # it is below everything that a forked worker does
    ("alto_streams/runtime/worker.py", LOOP),  # the same
    ("perf/peers/faust_plain/__main__.py", LOOP),
    ("alto_streams/quanta/", STAGES),
    ("alto_streams/", CORE),
    ("perf/peers/", CORE),
    ("schemas/", STAGES),
    ("stages/", STAGES),
    ("aiokafka/", TRANSPORT),
    ("confluent_kafka/", TRANSPORT),
    ("faust/", FAUST),
    ("mode/", FAUST),
)


def part_of(frames: Iterable[str]) -> str:
    """Frames from the outermost in, as py-spy writes them.

    >>> part_of(["run_forever (asyncio/base_events.py:607)", "ack (faust/events.py:1)", "sleep (asyncio/tasks.py:2)"])
    'Faust'
    """
    for frame in reversed(list(frames)):
        place = frame.rpartition("(")[2]
        for beginning, part in _PLACES:
            if beginning in place:
                return part
    return LOOP


def shares(folded: str) -> dict[str, float]:
    """The share of each part in samples as `py-spy record --format raw` writes them: frames;frames count."""
    counted: Counter[str] = Counter()
    for line in folded.splitlines():
        stack, _, count = line.rpartition(" ")
        counted[part_of(stack.split(";"))] += int(count)
    samples = sum(counted.values())
    return {part: count / samples for part, count in counted.items()} if samples else {}
