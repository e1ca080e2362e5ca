"""The critical path of a question whose times are known: prefixes of runs count, waits and transport do not."""

from __future__ import annotations

import pytest

from perf.critical_path.path import Question, engine_s
from perf.trace.runs import Call, Input, Output, Run


def run(
    stage: str,
    path: tuple[int, ...],
    came: Input,
    begun: float,
    ended: float,
    outputs: list[Output],
    calls: list[Call] | None = None,
) -> Run:
    first = came.received
    return Run("q", stage, "0", "map", path, came, 1, first, 0.0, begun, ended, tuple(outputs), tuple(calls or ()))


# The engine writes two items, at 1 s and at 3 s after a submission at 0.2. Each is looked up, for 0.5 s; the first one
# is then appraised by an engine, for 1 s, with 0.1 s of waiting. Each hop takes 0.1 s.
ROOT = run(
    "coordinator", (), Input("appraise", "item", (1,), 4.4, 4.5), 0.0, 4.6, [Output(0.0, "item", (), ("write",))]
)
WRITE = run(
    "write",
    (),
    Input("coordinator", "item", (), 0.0, 0.1),
    0.1,
    3.3,
    [
        Output(1.25, "item", (0,), ("look",)),
        Output(3.25, "item", (1,), ("look",)),
        Output(3.3, "count", (), ("coordinator",)),
    ],
    [Call("write", "emulated", 0.2, (0.7, 1.2, 3.2), 3.25)],
)
LOOK_0 = run(
    "look", (0,), Input("write", "item", (0,), 1.2, 1.35), 1.35, 1.85, [Output(1.85, "item", (0,), ("appraise",))]
)
LOOK_1 = run(
    "look", (1,), Input("write", "item", (1,), 3.2, 3.35), 3.35, 3.85, [Output(3.85, "item", (1,), ("appraise",))]
)
APPRAISE_0 = run(
    "appraise",
    (0,),
    Input("look", "item", (0,), 1.8, 1.95),
    2.05,
    3.1,
    [Output(3.1, "item", (0,), ("coordinator",))],
    [Call("appraise", "emulated", 2.05, (3.05,), 3.05)],
)
APPRAISE_1 = run(
    "appraise",
    (1,),
    Input("look", "item", (1,), 3.8, 3.95),
    3.95,
    4.4,
    [Output(4.4, "item", (1,), ("coordinator",))],
    [Call("appraise", "emulated", 3.95, (4.35,), 4.35)],
)
QUESTION = Question([ROOT, WRITE, LOOK_0, LOOK_1, APPRAISE_0, APPRAISE_1])


def test_engine_time_counts_up_to_the_token_that_was_needed() -> None:
    assert engine_s(WRITE, 1.25) == pytest.approx(1.0)
    assert engine_s(WRITE, 3.3) == pytest.approx(3.0)
    assert engine_s(WRITE, 0.5) == 0.0


def test_requests_side_by_side_count_once() -> None:
    calls = [Call("a", "", 1.0, (2.0,), 2.0), Call("b", "", 1.5, (3.0,), 3.0), Call("c", "", 5.0, (6.0,), 6.0)]
    assert engine_s(run("both", (), ROOT.input, 0.0, 9.0, [], calls), 9.0) == pytest.approx(3.0)


def test_the_longest_chain_of_engine_time() -> None:
    assert QUESTION.latency_s == pytest.approx(4.6)
    assert QUESTION.critical_s() == pytest.approx(3.4)  # 3.0 for the second item, 0.4 for its appraisal
    assert QUESTION.critical_s(retrieval=True) == pytest.approx(3.9)


def test_another_chain_may_be_longer_than_the_one_that_came_last() -> None:
    slow = Call("appraise", "emulated", 2.05, (5.05,), 5.05)
    late = run("appraise", (0,), APPRAISE_0.input, 2.05, 5.1, [Output(5.1, "item", (0,), ("coordinator",))], [slow])
    assert Question([ROOT, WRITE, LOOK_0, LOOK_1, late, APPRAISE_1]).critical_s() == pytest.approx(4.0)


def test_the_way_that_it_took_adds_up() -> None:
    segments = QUESTION.segments()
    assert sum(segment.seconds for segment in segments) == pytest.approx(4.6)
    found = [(segment.stage, segment.what, round(segment.seconds, 3)) for segment in segments]
    assert ("appraise", "engine", 0.4) in found
    assert ("look", "stage", 0.5) in found
    assert ("write", "engine", 3.0) in found
    assert ("write", "stage", 0.15) in found
    assert ("coordinator", "transport", 0.1) in found
