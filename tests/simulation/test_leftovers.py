"""When the questions have ended, nothing is left in hand, but for what nobody can complete; that is told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from scripted import Script, Text

from alto_streams.context import Context
from alto_streams.coordinator import CoordinatorLogic
from alto_streams.endings import Endings
from alto_streams.groups import GroupTable
from alto_streams.pipeline import Pipeline
from alto_streams.progress import Progress, decode
from alto_streams.testing import Faults, assignment
from alto_streams.testing.assignment import Assignment, Violation
from alto_streams.testing.history import History
from alto_streams.testing.leftovers import Leftovers
from alto_streams.testing.simulated import Simulated

QUESTIONS = {"a": b"a", "b": b"b", "c": b"c"}
MANY = Faults(budget=60, every=20)
SEEDS = range(6)


def left(pipeline: Pipeline, seed: int, faults: Faults = MANY) -> Counter[str]:
    """How many groups are left open, by reason, when all is done that can be done before the deadlines."""
    history = History(Simulated(pipeline, QUESTIONS, faults=faults), seed)
    try:
        history.play()
        leftovers = Leftovers(history.cluster.memory)
        for worker in history.cluster.workers:
            leftovers.check(worker)
        return leftovers.found
    finally:
        history.cluster.close()


def test_nothing_is_left_where_nothing_goes_wrong() -> None:
    for seed in range(5):
        assert not left(Script(seed).pipeline(), seed, Faults(budget=0))


def test_equal_words_leave_nothing_that_is_replaced() -> None:
    found: Counter[str] = Counter()
    for seed in SEEDS:
        found += left(Script().pipeline(), seed)
    assert found.keys() <= {"repeated", "forgotten"}


def test_words_that_change_leave_what_the_next_run_did_not_write() -> None:
    found: Counter[str] = Counter()
    for seed in SEEDS:
        found += left(Script(seed).pipeline(), seed)
    assert found["replaced"] > 0
    assert found.keys() <= {"replaced", "repeated", "forgotten"}


def failing(seed: int | None = None) -> Pipeline:
    async def appraise(claim: Text, evidence: Text, ctx: Context) -> Text:
        raise ValueError("no verdict")

    pipeline = Script(seed).pipeline()
    next(stage for stage in pipeline.plan.stages if stage.name == "appraise").function = appraise
    return pipeline


def test_a_failed_question_leaves_nothing() -> None:
    for seed in range(20):
        assert not left(failing(seed), seed, Faults(budget=0))


def test_under_faults_a_failed_question_leaves_what_came_after_its_end_was_forgotten() -> None:
    found: Counter[str] = Counter()
    for seed in range(60):
        found += left(failing(seed if seed % 2 else None), seed)
    assert found["forgotten"] > 0
    assert found.keys() <= {"forgotten", "replaced", "repeated"}


def without_telling(monkeypatch: pytest.MonkeyPatch) -> None:
    """No stage is told that a question has failed."""
    monkeypatch.setattr(CoordinatorLogic, "_call_off", lambda self, record: [])


def without_dropping(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a stage has in hand of a question that has failed stays there."""
    monkeypatch.setattr(GroupTable, "drop", lambda self, ended: [])


def without_remembering(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after the end is taken in hand."""
    monkeypatch.setattr(Endings, "cover", lambda self, ancestry, epoch: False)


@pytest.mark.parametrize("broken", [without_telling, without_dropping, without_remembering])
def test_what_a_failed_question_leaves_is_noticed(
    broken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch)
    problems = (problem(failing(seed), seed) for seed in range(60))
    assert any("of a question that has failed" in one or "was told that this has ended" in one for one in problems)


def test_a_scope_that_comes_back_in_part_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def reading(self: Assignment) -> int | None:
        offset, self.position = self.position, self.position + 1
        return offset if self.ledger.arrived(offset) else None

    monkeypatch.setattr(Assignment, "read", reading)
    bare = lambda offset, metadata: Progress(offset, decode(offset, metadata).attempt)  # noqa: E731
    monkeypatch.setattr(assignment, "decode", bare)
    assert any("still holds a scope in part" in problem(Script(seed).pipeline(), seed) for seed in range(60))


def problem(pipeline: Pipeline, seed: int) -> str:
    try:
        left(pipeline, seed)
    except Violation as error:
        return error.message
    return ""
