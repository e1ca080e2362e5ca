"""How many instances of each stage to run: what `STAGE=N` says, else the deployment's file, else one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from alto_streams.errors import SettingError
from alto_streams.plan import COORDINATOR

if TYPE_CHECKING:
    from alto_streams.pipeline import Pipeline
    from alto_streams.settings import Settings

COORDINATOR_PARTITIONS = 4


def parse_instances(text: str) -> dict[str, int]:
    """Reads `STAGE=N[,STAGE=N]`. Raises SettingError.

    >>> parse_instances("answer=2, bm25=4")
    {'answer': 2, 'bm25': 4}
    """
    counts = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        stage, _, count = entry.partition("=")
        if not stage.strip() or not count.strip().isdecimal() or int(count) < 1:
            raise SettingError(
                f"'{entry}' in ALTO_INSTANCES is not STAGE=N with N of at least 1.",
                "write for example ALTO_INSTANCES=answer=2,bm25=4",
            )
        counts[stage.strip()] = int(count)
    return counts


def instances(pipeline: Pipeline, chosen: Settings) -> dict[str, int]:
    """Instances of every stage as `ALTO_INSTANCES` and `ALTO_DEPLOYMENT` say together. Raises SettingError."""
    from alto_streams.deployment import read_deployment  # the supervisor, which stays, has no need of YAML

    deployed = read_deployment(chosen.deployment).counts(pipeline) if chosen.deployment is not None else {}
    return instances_of([s.name for s in pipeline.plan.stages], parse_instances(chosen.instances), deployed)


def instances_of(
    stages: Sequence[str], asked: Mapping[str, int], deployed: Mapping[str, int] | None = None
) -> dict[str, int]:
    """The count of every stage of a pipeline. Raises SettingError for a stage asked for that it does not have.

    >>> instances_of(["answer", "bm25"], asked={"bm25": 4}, deployed={"bm25": 2, "answer": 3})
    {'answer': 3, 'bm25': 4}
    """
    for stage in asked:
        if stage not in stages:
            raise SettingError(
                f"ALTO_INSTANCES names stage '{stage}', which the pipeline does not have.",
                f"use one of {', '.join(stages)}",
            )
    return {stage: asked.get(stage, (deployed or {}).get(stage, 1)) for stage in stages}


def partitions_of(instances: dict[str, int]) -> dict[str, int]:
    """Active partitions of each stage: one an instance, but always four for the coordinator.

    Which of its partitions a question belongs to must not depend on when it is asked again, or it could end twice; so
    the coordinator's instances share four partitions, however many they are.

    >>> partitions_of({"answer": 2, "coordinator": 1})
    {'answer': 2, 'coordinator': 4}
    """
    return {stage: COORDINATOR_PARTITIONS if stage == COORDINATOR else n for stage, n in instances.items()}
