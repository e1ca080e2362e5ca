"""What the explicit interface guarantees rests on these: without one of them, some seed mixes runs or never ends."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from explicit_parts import as_texts, explicit
from scripted import Script

from alto_streams.ancestry import FIRST
from alto_streams.explicit import execution
from alto_streams.explicit.execution import ExplicitRun
from alto_streams.explicit.lineage import Latest, identity
from alto_streams.explicit.sets import Member, RecordSet
from alto_streams.testing import SimulationError, simulate
from schemas.question_pb2 import Question

SEEDS = range(40)
QUESTIONS = {name: Question(text=name) for name in ("a", "b", "c")}
BROKEN = "have not ended|mixes runs|in two partitions|hits and vectors of two|AssertionError|still holds|came again"


def first_failure() -> str | None:
    for seed in SEEDS:
        script = Script(seed)
        try:
            simulate(explicit(script), QUESTIONS, seed, check=lambda r, s=script: s.check(as_texts(r)), shrink_s=0)
        except SimulationError as error:
            return error.message.splitlines()[0]
    return None


def without_dedup(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second copy of a record is read again."""
    add = RecordSet.add

    def twice(self: RecordSet, member: Member) -> bool:
        self.members.pop((member.message.queue, identity(member.lineage)), None)
        return add(self, member)

    monkeypatch.setattr(RecordSet, "add", twice)


def without_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "attempt_of", lambda generation, delivery, retry=0: FIRST)


def without_replacement(monkeypatch: pytest.MonkeyPatch) -> None:
    """A set keeps what earlier attempts left, and takes what they still send."""
    monkeypatch.setattr(Latest, "learn", lambda self, lineage: False)


def without_the_constraint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records of one set go to any partition."""
    turns, sent = iter(range(10**9)), ExplicitRun._sent

    def anywhere(self: ExplicitRun, one: object, lineage: object) -> object:
        effect = sent(self, one, lineage)  # type: ignore[arg-type]
        if getattr(effect, "constraint", None) is None or effect.stage == "coordinator":  # type: ignore[union-attr]
            return effect
        return type(effect)(effect.stage, effect.record, str(next(turns)).encode())  # type: ignore

    monkeypatch.setattr(ExplicitRun, "_sent", anywhere)


@pytest.mark.parametrize(
    "broken",
    [without_dedup, without_attempts, without_replacement, without_the_constraint],
)
def test_some_seed_fails_without(broken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch)
    found = first_failure()
    assert found is not None, f"no seed of {len(SEEDS)} notices"
    assert re.search(BROKEN, found), found


def test_no_seed_fails_with_all_of_them() -> None:
    assert first_failure() is None
