"""Which topics a pipeline needs, with partitions, retention and compaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from topics import names

HOUR_MS = 60 * 60 * 1000
DAY_MS = 24 * HOUR_MS

CLIENT_PARTITIONS = 4


@dataclass(frozen=True, slots=True)
class TopicDefinition:
    """One topic as it should be. `config` holds Kafka's topic settings; replication is left to the broker."""

    name: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


def definitions(pipeline: str, partitions: Mapping[str, int]) -> tuple[TopicDefinition, ...]:
    """The topics of `pipeline`, whose stages read from `partitions` (stage -> number of partitions).

    >>> [t.name for t in definitions("p", {"answer": 2}) if t.partitions == 2]
    ['p.stage.answer']
    """
    client_facing = (
        TopicDefinition(names.questions(pipeline), CLIENT_PARTITIONS, _kept(DAY_MS)),
        TopicDefinition(names.verified_claims(pipeline), CLIENT_PARTITIONS, _kept(7 * DAY_MS)),
        TopicDefinition(names.progress(pipeline), CLIENT_PARTITIONS, _kept(HOUR_MS)),
        TopicDefinition(names.dead_letters(pipeline), 1, _kept(90 * DAY_MS)),
        TopicDefinition(names.routing(pipeline), 1, {"cleanup.policy": "compact"}),
    )
    stages = tuple(
        TopicDefinition(names.stage_input(pipeline, stage), count, _kept(DAY_MS)) for stage, count in partitions.items()
    )
    return client_facing + stages


def _kept(milliseconds: int) -> Mapping[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(milliseconds)}
