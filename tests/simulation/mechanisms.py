"""Ways to take one mechanism out of the framework at a time, for those who show that it earns its keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from scripted import QUESTIONS, Script

from alto_streams import execution
from alto_streams.ancestry import FIRST, Ancestry
from alto_streams.coordinator import CoordinatorLogic
from alto_streams.effects import Acknowledge, Send
from alto_streams.execution import Run
from alto_streams.groups import GroupTable
from alto_streams.offsets import OffsetLedger
from alto_streams.progress import Progress, decode
from alto_streams.routing import Router
from alto_streams.scopes import Scope
from alto_streams.testing import Faults, Simulated, assignment
from alto_streams.testing.simulated import Case
from alto_streams.testing.worker import Worker

Break = Callable[[pytest.MonkeyPatch], None]


def changing(seed: int) -> Simulated:
    """Words change with each run, some items are dropped."""
    script = Script(seed)
    check = lambda result: script.check(result, drop=True)  # noqa: E731
    return Simulated(script.pipeline(drop=True), QUESTIONS, check=check, same=False)


def hurried(seed: int) -> Simulated:
    """Deadlines pass half-way, and at times the broker takes short commits only."""
    faults = Faults(tick_ms=10)
    return Simulated(Script(seed).pipeline(drop=True), QUESTIONS, same=False, faults=faults, deadline_ms=60_000)


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
    monkeypatch.setattr(Run, "_may_count", lambda self, depth: False)


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


def without_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record is routed by the newest table that its sender knows, whatever its question began with."""
    partition = Router.partition
    monkeypatch.setattr(
        Router, "partition", lambda self, stage, epoch, constraint: partition(self, stage, self.current, constraint)
    )


def without_back_pressure(monkeypatch: pytest.MonkeyPatch) -> None:
    """However far apart, everything is taken in hand: a commit cannot tell it any more."""
    monkeypatch.setattr(OffsetLedger, "admits", lambda self, offset, window: True)


@dataclass(frozen=True)
class Mechanism:
    """What is taken out, by which name people know it, and the invariants (of docs/correctness.md) that rest on it."""

    name: str
    remove: Break
    invariants: str
    case: Case = changing


MECHANISMS = (
    Mechanism("a copy of an item counts once", without_dedup, "2, 3"),
    Mechanism("each run has an attempt", without_attempts, "2, 3"),
    Mechanism("a later attempt replaces an earlier one", without_replacement, "2, 3"),
    Mechanism("attempts outlive a takeover, in the commit's metadata", without_attempts_in_the_metadata, "2, 3"),
    Mechanism("an expand tells the count of its children", without_counts, "2"),
    Mechanism("what is dropped is sent as an empty child", without_empty_children, "2"),
    Mechanism("a stateful edge carries a key", without_constraint, "1"),
    Mechanism("a question keeps its routing table (epoch)", without_epochs, "1"),
    Mechanism("a commit stays below what is unfinished (watermark)", without_watermark, "2"),
    Mechanism("a commit's metadata says what is done beyond it", without_commit_metadata, "2, 5"),
    Mechanism("a commit never describes more than the broker takes", without_back_pressure, "2, 5", hurried),
    Mechanism("an acknowledgement waits for what was sent", without_waiting_for_sends, "2"),
    Mechanism("a new coordinator reads what has ended", without_ended_questions, "2"),
    Mechanism("a coordinator remembers what it has ended", without_closed_keys, "2"),
    Mechanism("a stateless edge carries no key", constraining_everything, "4"),
)
