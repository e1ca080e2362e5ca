"""deployment.yaml: how many instances of each stage, or of every stage of a pool, run. Nothing else is in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alto_streams.deployment.marked_yaml import Marked, compose, read_text
from alto_streams.pipeline import Pipeline

KEYS = ("pipeline", "stages", "pools")


@dataclass(frozen=True)
class Deployment:
    """A deployment file as it was written; `counts` holds it against a pipeline."""

    root: Marked
    pipeline: str | None
    stages: dict[str, int]
    pools: dict[str, int]  # instances of each stage that uses the pool

    def counts(self, pipeline: Pipeline) -> dict[str, int]:
        """Instances by stage, for the stages that the file speaks of; a stage's own count wins over its pool's.

        Raises FileError for a stage or a pool that the pipeline does not have, or a file for another pipeline.
        """
        sections = self.root.mapping("the file")
        if self.pipeline not in (None, pipeline.name):
            sections["pipeline"][1].fail(
                f"this deploys pipeline '{self.pipeline}', but '{pipeline.name}' is to run.",
                f"write pipeline: {pipeline.name}, or set ALTO_PIPELINE",
            )
        members: dict[str, list[str]] = {}
        for stage in pipeline.plan.stages:
            if stage.pool is not None:
                members.setdefault(stage.pool, []).append(stage.name)
        _check_names("stage", sections, [stage.name for stage in pipeline.plan.stages], pipeline.name)
        _check_names("pool", sections, list(members), pipeline.name)
        pooled = {stage: count for pool, count in self.pools.items() for stage in members[pool]}
        return {**pooled, **self.stages}


def read_deployment(path: Path) -> Deployment:
    """Reads a file. Raises SettingError where it is not there, FileError where it is not a deployment."""
    return parse_deployment(read_text(path), str(path))


def parse_deployment(text: str, file: str) -> Deployment:
    """Raises FileError with line and column.

    >>> parse_deployment("stages: {answer: 2}", "deployment.yaml").stages
    {'answer': 2}
    """
    root = compose(text, file)
    sections = root.mapping("a deployment", KEYS)
    name = sections["pipeline"][1].text("pipeline") if "pipeline" in sections else None
    return Deployment(root, name, _counts("stages", sections), _counts("pools", sections))


def _counts(section: str, sections: dict[str, tuple[Marked, Marked]]) -> dict[str, int]:
    if section not in sections:
        return {}
    entries = sections[section][1].mapping(section)
    return {name: value.positive(name) for name, (_, value) in entries.items()}


def _check_names(what: str, sections: dict[str, tuple[Marked, Marked]], known: list[str], pipeline: str) -> None:
    section = f"{what}s"
    if section not in sections:
        return
    for name, (key, _) in sections[section][1].mapping(section).items():
        if name not in known:
            mend = f"use one of {', '.join(known)}" if known else f"take '{name}' out"
            key.fail(f"pipeline '{pipeline}' has no {what} '{name}'.", mend)
