"""Each mechanism earns its keep: without it, some seed breaks an invariant."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from scripted import Script

from alto_streams import execution
from alto_streams.ancestry import FIRST, Ancestry
from alto_streams.coordinator import CoordinatorLogic
from alto_streams.effects import Acknowledge, Send
from alto_streams.execution import Run
from alto_streams.groups import GroupTable
from alto_streams.offsets import OffsetLedger
from alto_streams.progress import Progress, decode
from alto_streams.scopes import Scope
from alto_streams.testing import Faults, SimulationError, assignment, simulate
from alto_streams.testing.simulation import DAY_MS
from alto_streams.testing.worker import Worker

SEEDS = range(120)
BROKEN = "have not ended|ended twice|mixes runs|in two partitions|has constraint|still holds|is committed|came again"
QUESTIONS = {"a": b"a", "b": b"b", "c": b"c"}


def first_failure(faults: Faults = Faults(), deadline_ms: int = DAY_MS) -> tuple[int, str] | None:  # noqa: B008 - frozen
    for seed in SEEDS:
        script = Script(seed)
        check = None if faults.tick_ms else lambda r, s=script: s.check(r, drop=True)
        try:
            simulate(script.pipeline(drop=True), QUESTIONS, seed, faults, deadline_ms=deadline_ms, check=check)
        except SimulationError as error:
            return seed, error.message.splitlines()[0]
    return None


def without_dedup(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second copy of an item counts again."""
    add = Scope.add

    def twice(self: Scope[Any], steps: Any, *rest: Any) -> Any:
        if self.depth == 1 and self.attempt == steps[0].attempt:
            self.children.pop(steps[0].position, None)
        return add(self, steps, *rest)

    monkeypatch.setattr(Scope, "add", twice)


def without_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "attempt_of", lambda generation, delivery, retry=0: FIRST)


def without_replacement(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scope keeps what earlier attempts left."""
    monkeypatch.setattr(Scope, "_admit", lambda self, attempt, released: True)


def without_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "_count", lambda self, targets, ancestry, count: [])


def without_empty_children(monkeypatch: pytest.MonkeyPatch) -> None:
    item = Run._item
    monkeypatch.setattr(Run, "_item", lambda self, a, value: [] if value is None else item(self, a, value))


def without_constraint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records of one scope go to any partition."""
    turns = iter(range(10**9))
    monkeypatch.setattr(execution, "constraint", lambda ancestry, depth: str(next(turns)).encode())


def without_watermark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits behind the last acknowledged record, whatever is still open before it."""
    begin, acknowledge = OffsetLedger.__init__, OffsetLedger.acknowledge
    last: dict[int, int] = {}

    def beginning(self: OffsetLedger, resumed: Progress | None = None) -> None:
        begin(self, resumed)
        last.pop(id(self), None)

    def remembering(self: OffsetLedger, offset: int) -> None:
        acknowledge(self, offset)
        last[id(self)] = max(offset + 1, last.get(id(self), 0))

    def behind(self: OffsetLedger, attempt: int) -> Progress | None:
        return Progress(last[id(self)], attempt) if id(self) in last else None

    monkeypatch.setattr(OffsetLedger, "__init__", beginning)
    monkeypatch.setattr(OffsetLedger, "acknowledge", remembering)
    monkeypatch.setattr(OffsetLedger, "progress", behind)


def without_commit_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new owner begins at the committed offset, whatever was done beyond it."""
    monkeypatch.setattr(
        assignment, "decode", lambda offset, metadata: Progress(offset, decode(offset, metadata).attempt)
    )


def without_attempts_in_the_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every owner begins with attempt 1."""
    monkeypatch.setattr(assignment, "decode", lambda offset, metadata: replace(decode(offset, metadata), attempt=0))


def without_ended_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new coordinator does not look which questions have their outcome."""
    monkeypatch.setattr(CoordinatorLogic, "remember", lambda self, partition, questions, until: None)


def without_closed_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed question is forgotten at once."""
    monkeypatch.setattr(GroupTable, "close", lambda self, key, version, deadline: self.groups.pop(key, None))


def without_waiting_for_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Acknowledges before what follows from a record has left."""
    perform = Worker.perform

    def hasty(self: Worker, effects: Any, pending: Any = None) -> None:
        perform(self, [e for e in effects if isinstance(e, Acknowledge)])
        perform(self, [e for e in effects if not isinstance(e, Acknowledge)], pending)

    monkeypatch.setattr(Worker, "perform", hasty)


def constraining_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every edge carries a constraint, also into stateless stages."""
    to = Run._to

    def forced(self: Run, targets: Any, kind: Any, ancestry: Ancestry, value: bytes) -> Any:
        sends = to(self, targets, kind, ancestry, value)
        return [Send(s.stage, s.record, s.constraint or b"all") for s in sends if isinstance(s, Send)]

    monkeypatch.setattr(Run, "_to", forced)


@pytest.mark.parametrize(
    "broken",
    [
        without_dedup,
        without_attempts,
        without_replacement,
        without_counts,
        without_empty_children,
        without_constraint,
        without_watermark,
        without_commit_metadata,
        without_attempts_in_the_metadata,
        without_ended_questions,
        without_closed_keys,
        without_waiting_for_sends,
        constraining_everything,
    ],
)
def test_some_seed_fails_without(broken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch)
    found = first_failure()
    assert found is not None, f"no seed of {len(SEEDS)} notices"
    assert re.search(BROKEN, found[1]), found[1]
    if os.environ.get("ALTO_SHOW"):
        print(f"{broken.__name__}: seed {found[0]}: {found[1]}")


def test_some_seed_fails_without_back_pressure(monkeypatch: pytest.MonkeyPatch) -> None:
    """However far apart, everything is taken in hand: a commit cannot tell it any more."""
    monkeypatch.setattr(OffsetLedger, "admits", lambda self, offset, window: True)
    found = first_failure(Faults(tick_ms=10), deadline_ms=60_000)
    assert found is not None
    assert "too large for the broker" in found[1], found[1]


def test_no_seed_fails_with_all_of_them() -> None:
    assert first_failure() is None
