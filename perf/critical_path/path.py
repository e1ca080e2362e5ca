"""The least latency that any system could have with the same engine outputs, at the speeds at which they came.

An output is ready when what its run reads is ready, plus the engine's time up to the token that completes the output:
from the submission of the request to that token, as observed. What a run reads is ready with the last record that it is
made of, counts included, for without the count nobody knows that nothing more comes. Transport, queues, folding and
commits take no time at all. The engine's own time is taken as it was, its batches included: at low load a request is
hardly slowed down by others, and those that slow it down are the same question's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from alto_streams.plan import COORDINATOR
from perf.trace.runs import Input, Output, Position, Run


def engine_s(run: Run, until: float) -> float:
    """Seconds in which an engine worked on what the run had been given by `until`; requests side by side count once."""
    spans = []
    for call in run.calls:
        made = [at for at in call.chunks if at <= until]
        if made:
            spans.append((call.submitted, made[-1]))
    total, end = 0.0, float("-inf")
    for start, stop in sorted(spans):
        total += max(stop - max(start, end), 0.0)
        end = max(end, stop)
    return total


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the way that a question took; seconds."""

    stage: str
    what: str  # transport, waiting, engine, stage
    seconds: float


class Question:
    """The graph of one question's records, as its spans tell it."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = {(run.stage, run.path): run for run in runs}
        self.root = self.runs[COORDINATOR, ()]
        self._made: dict[str, list[tuple[Run, Output]]] = defaultdict(list)  # by the stage that reads it
        for run in runs:
            for output in run.outputs:
                for stage in output.to:
                    self._made[stage].append((run, output))
        self._ready: dict[tuple[str, Position, bool], float] = {}

    @property
    def latency_s(self) -> float:
        """From the question's admission to its outcome."""
        return self.root.ended - self.root.admitted

    def critical_s(self, *, retrieval: bool = False) -> float:
        """The longest chain of engine time; with `retrieval`, also the time of runs that ask no engine."""
        return self._ready_s(self.root, retrieval)

    def _ready_s(self, run: Run, retrieval: bool) -> float:
        """When the run could begin, in seconds from the admission."""
        known = (run.stage, run.path, retrieval)
        if known not in self._ready:
            depth = len(run.path)
            reads = [
                self._left_s(maker, output, retrieval)
                for maker, output in self._made[run.stage]
                if output.path[:depth] == run.path
            ]
            self._ready[known] = max(reads, default=0.0)
        return self._ready[known]

    def _left_s(self, maker: Run, output: Output, retrieval: bool) -> float:
        if maker is self.root:
            return 0.0
        own = engine_s(maker, output.at) if maker.calls or not retrieval else output.at - maker.begun
        return self._ready_s(maker, retrieval) + own

    def segments(self) -> list[Segment]:
        """The way that it took, from the outcome back: what completed what. Their sum is the latency."""
        root = self.root
        found = [Segment(COORDINATOR, "stage", root.ended - root.input.received)]
        stage, came = COORDINATOR, root.input
        while True:
            maker, output = self._maker(stage, came)
            found.append(Segment(stage, "transport", came.received - output.at))
            if maker is root:
                found.append(Segment(COORDINATOR, "stage", output.at - root.begun))
                found.append(Segment(COORDINATOR, "transport", root.begun - root.admitted))
                return found
            engine = engine_s(maker, output.at)
            found.append(Segment(maker.stage, "engine", engine))
            found.append(Segment(maker.stage, "stage", output.at - maker.begun - engine))
            found.append(Segment(maker.stage, "waiting", maker.begun - maker.input.received))
            stage, came = maker.stage, maker.input

    def _maker(self, stage: str, came: Input) -> tuple[Run, Output]:
        """The run and the output that a record was."""
        return max(
            (
                (maker, output)
                for maker, output in self._made[stage]
                if (maker.stage, output.kind, output.path) == (came.stage, came.kind, came.path)
            ),
            key=lambda made: made[1].at,
        )
