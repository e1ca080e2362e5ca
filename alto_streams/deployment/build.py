"""A pipeline built from pipeline.yaml, without the Python that may have printed it: the file is the graph.

Stages may stand in any order. What follows from the graph (levels, queues) need not be there; where it is, it must be
right. Every error of the graph is told at the line of its stage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alto_streams.deployment.difference import check_derived, check_queues
from alto_streams.deployment.imports import code, import_path
from alto_streams.deployment.kinds import check_kind
from alto_streams.deployment.marked_yaml import Marked, compose, read_text
from alto_streams.deployment.pipeline_file import parse
from alto_streams.deployment.topology import Read, Stage, Topology, derived, queues
from alto_streams.errors import PipelineError
from alto_streams.operators import Operator
from alto_streams.pipeline import Pipeline, Stream, join
from alto_streams.plan import StagePlan

SOURCE = "source"


def load_pipeline(path: Path) -> Pipeline:
    """The pipeline that a file describes. Raises SettingError where there is no file, FileError where it is wrong."""
    return build_pipeline(read_text(path), str(path))


def build_pipeline(text: str, file: str) -> Pipeline:
    """Raises FileError with line and column."""
    root = compose(text, file)
    return _Builder(root, parse(root)).build()


class _Builder:
    def __init__(self, root: Marked, said: Topology) -> None:
        self.said = said
        self.sections = {name: value for name, (_, value) in root.mapping("a pipeline").items()}
        self.places = self.sections["stages"].mapping("stages")
        self.fields = {name: value.mapping(name) for name, (_, value) in self.places.items()}
        self.pools: dict[str, str] = {}
        self.built: dict[str, Stream] = {}
        self.building: list[str] = []

    def build(self) -> Pipeline:
        with self._told_at(self.sections["pipeline"]):
            source = import_path(self.sections["source"], "source") if "source" in self.sections else None
            self.pipeline = Pipeline(self.said.pipeline, source=source)
        self._read_pools()
        for name in self.said.stages:
            self._stage(name)
        for name, stage in self.said.stages.items():
            for type in stage.publishes:
                with self._told_at(self.fields[name]["publishes"][1]):
                    self.pipeline.publish(self.built[name], type)
        self._set_output()
        with self._told_at(self.sections["output"]):
            plan = self.pipeline.plan
        for planned in plan.stages:
            if planned.name in self.said.stages:  # an aggregate that its only reader runs is none of the plan's
                self._check_derived(planned)
        if "queues" in self.sections:
            check_queues(self.sections["queues"], self.said.queues, queues(self.pipeline))
        return self.pipeline

    def _check_derived(self, stage: StagePlan) -> None:
        said, places = self.said.stages[stage.name], self.fields[stage.name]
        for field, wanted in derived(stage).items():
            given = getattr(said, field)
            if field == "opens" and len(given) > len(wanted):
                places[field][1].fail(f"nobody reads '{stage.name}.{given[1]}'.", "read it, or open one level only")
            if field in places:
                check_derived(places[field][1], f"{field} of stage '{stage.name}'", given, wanted)

    def _read_pools(self) -> None:
        for pool, stages in self.said.resources.items():
            members = self.sections["resources"].mapping("resources")[pool][1].items(pool)
            for place, name in zip(members, stages, strict=True):
                if name not in self.said.stages:
                    place.fail(f"resource '{pool}' names stage '{name}', which this file does not have.", self._known())
                if self.said.stages[name].kind == "aggregate":
                    place.fail(f"stage '{name}' is an aggregate, which uses no resource.", "take it out")
                if name in self.pools:
                    place.fail(f"stage '{name}' uses two resources.", "name it once")
                self.pools[name] = pool

    def _set_output(self) -> None:
        places, said = self.sections["output"].mapping("the output"), self.said.output
        if said.stream not in self.built:
            places["stream"][1].fail(f"the output is '{said.stream}', which is no stage of this file.", self._known())
        conclude = code(places["conclude"][1], "conclude")
        with self._told_at(self.sections["output"]):
            self.pipeline.output(self.built[said.stream], said.type, conclude=conclude)

    def _stage(self, name: str) -> Stream:
        """The stream of a stage, built first where another one reads it."""
        if name in self.built:
            return self.built[name]
        said, places, key = self.said.stages[name], self.fields[name], self.places[name][0]
        check_kind(name, said, key, places)
        self.building.append(name)
        function = code(places["runs"][1], f"what stage '{name}' runs")
        reads = list(zip(said.reads, places["reads"][1].items("reads"), strict=True))
        if said.kind == "aggregate":
            ((read, place),) = reads
            stream = self._stream(name, read.stream, place)
            _check_operator(function, f"what stage '{name}' runs", places["runs"][1])
            with self._told_at(key):
                self.built[name] = stream.aggregate(function, read.folds, name=name)
        else:
            inputs = [self._input(name, *entry) for entry in reads]
            with self._told_at(key):
                stream = join(*inputs, how=said.join or "inner") if len(inputs) > 1 else inputs[0]
                self.built[name] = self._apply(name, said, stream, function)
        self.building.pop()
        return self.built[name]

    def _apply(self, name: str, said: Stage, stream: Stream, function: Any) -> Stream:
        uses, concurrency, places = self.pools.get(name), said.concurrency or 0, self.fields[name]
        if said.kind == "filter":
            return stream.filter(function, name=name, uses=uses, concurrency=concurrency)
        prompt = code(places["prompt"][1], f"the prompt of stage '{name}'") if "prompt" in places else None
        if said.kind == "map":
            return stream.map(function, name=name, uses=uses, prompt=prompt, concurrency=concurrency)
        return stream.expand(
            function,
            said.opens[0],
            cut=said.cut[0] if said.cut else None,
            item=self._emitted(name, 0) if said.cut else None,
            name=name,
            uses=uses,
            prompt=prompt,
            concurrency=concurrency,
        )

    def _emitted(self, name: str, index: int) -> Any:
        return import_path(self.fields[name]["emits"][1].items("emits")[index], f"emits of stage '{name}'")

    def _input(self, name: str, read: Read, place: Marked) -> Stream:
        stream = self._stream(name, read.stream, place)
        if read.operator is None:
            if read.folds:
                place.fail(f"stage '{name}' folds {', '.join(read.folds)} with no operator.", "write operator: ...")
            return stream
        where = place.mapping("an entry of reads")["operator"][1]
        operator = code(where, f"the operator that stage '{name}' reads through")
        _check_operator(operator, f"the operator that stage '{name}' reads through", where)
        if hasattr(operator, "open"):
            place.fail(
                f"the operator that stage '{name}' reads through has an open(), which makes it a stage of its own.",
                f"write a stage of kind aggregate that runs it, and let '{name}' read that",
            )
        with self._told_at(place):
            return stream.aggregate(operator, read.folds)

    def _stream(self, reader: str, stream: str, place: Marked) -> Stream:
        producer, *levels = stream.split(".")
        if stream == SOURCE:
            return self.pipeline.source
        if producer not in self.said.stages:
            place.fail(f"stage '{reader}' reads '{stream}', which is no stage of this file.", self._known())
        if producer in self.building:
            loop = " reads ".join([*self.building[self.building.index(producer) :], producer])
            place.fail(f"the stages form a loop: {loop}.", "unroll it, with one stage for each round")
        items = self._stage(producer)
        said = self.said.stages[producer]
        if levels != list(said.opens[1 : len(levels) + 1]):
            place.fail(
                f"stage '{reader}' reads '{stream}', but '{producer}' is not cut at a finer level '{levels[-1]}'.",
                f"write opens: [..., {levels[-1]}] and cut: [..., word], say, at '{producer}'",
            )
        with self._told_at(self.places[producer][0]):
            for finer, level in enumerate(levels, 1):
                items = items.cut(level, at=said.cut[finer], item=self._emitted(producer, finer))
        return items

    def _known(self) -> str:
        return f"use one of {', '.join(self.said.stages)}"

    @contextmanager
    def _told_at(self, place: Marked) -> Iterator[None]:
        """A PipelineError is told at the first stage that it names, else at `place`."""
        try:
            yield
        except PipelineError as error:
            named = (name for name in re.findall(r"'([^']+)'", error.message) if name in self.places)
            where = next((self.places[name][0] for name in named), place)
            where.fail(error.message, error.mend)


def _check_operator(found: Any, what: str, place: Marked) -> None:
    if not isinstance(found, Operator):
        place.fail(f"{what} is no operator.", "name a class with initial(), add(state, item) and result(state)")
