"""Many random histories of the FacTool shape, each with crashes, copies, rebalances and changes of the routing table.

`alto simulate tests.simulation.scripted` looks at more of them; a failure prints its seed.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest
from scripted import QUESTIONS, Script

from alto_streams.testing import Faults, Result, SimulationError, run, simulate
from alto_streams.testing.schedule import KINDS

SEEDS = int(os.environ.get("ALTO_SEEDS", "25"))


@pytest.mark.timeout(0)
@pytest.mark.parametrize("keep", [False, True], ids=["", "filter"])
@pytest.mark.parametrize("drop", [False, True], ids=["", "dropping map"])
def test_equal_words_give_equal_outcomes_under_any_faults(keep: bool, drop: bool) -> None:
    expected = run(Script().pipeline(keep, drop), QUESTIONS)
    assert any(json.loads(outcome) for outcome in expected.outcomes.values())
    pipeline = Script().pipeline(keep, drop)
    for seed in range(SEEDS):
        found = simulate(pipeline, QUESTIONS, seed, check=lambda result: same(result, expected))
        assert found.steps > 0


def same(result: Result, expected: Result) -> None:
    assert result.outcomes == expected.outcomes


@pytest.mark.timeout(0)
@pytest.mark.parametrize("keep", [False, True], ids=["", "filter"])
@pytest.mark.parametrize("drop", [False, True], ids=["", "dropping map"])
def test_words_that_change_with_each_run_never_mix(keep: bool, drop: bool) -> None:
    for seed in range(SEEDS):
        script = Script(seed)
        simulate(script.pipeline(keep, drop), QUESTIONS, seed, check=lambda r, s=script: s.check(r, keep, drop))


@pytest.mark.timeout(0)
def test_every_question_ends_once_though_deadlines_pass_half_way() -> None:
    late = whole = 0
    for seed in range(SEEDS):
        script = Script(seed)

        def check(result: Result, script: Script = script) -> None:
            nonlocal late, whole
            for question, outcome in list(result.outcomes.items()):
                if isinstance(json.loads(outcome), dict):
                    late += 1
                    del result.outcomes[question]
                    assert json.loads(outcome)["failure"][1] == "deadline_exceeded"
                else:
                    whole += 1
            script.check(result)

        simulate(script.pipeline(), QUESTIONS, seed, Faults(tick_ms=10), deadline_ms=3000, check=check)
    assert late > 0
    assert whole > 0


@pytest.mark.timeout(0)
def test_every_question_ends_once_though_the_whole_cluster_sleeps() -> None:
    """No copies: a question that is produced again long after its end is a new question."""
    faults = Faults(tick_ms=10, pause=6, copy=0, readmit=0)
    for seed in range(SEEDS):
        script = Script(seed)
        result = simulate(script.pipeline(), QUESTIONS, seed, faults, deadline_ms=3000)
        assert result.outcomes.keys() == QUESTIONS.keys()


def test_a_seed_repeats_its_history() -> None:
    results = [simulate(Script(7).pipeline(), QUESTIONS, 7) for _ in range(2)]
    assert results[0] == results[1]
    assert results[0] != simulate(Script(7).pipeline(), QUESTIONS, 8)


def test_a_failure_names_its_seed_and_shows_the_last_steps() -> None:
    def never(result: Result) -> None:
        raise AssertionError("no good")

    with pytest.raises(SimulationError, match="Seed 3: AssertionError: no good") as caught:
        simulate(Script().pipeline(), QUESTIONS, 3, check=never, shrink_s=0)
    assert caught.value.seed == 3
    assert len(caught.value.steps) == 50
    assert any("deliver" in step for step in caught.value.steps)
    assert caught.value.steps[-1] in caught.value.message


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("pause", "cancel")])
def test_each_kind_of_fault_happens_and_is_survived(kind: str) -> None:
    none = Faults(budget=30, every=10, **dict.fromkeys(KINDS, 0))
    happened = 0
    for seed in range(SEEDS // 4):
        script = Script(seed)
        result = simulate(script.pipeline(), QUESTIONS, seed, replace(none, **{kind: 1}), check=script.check)
        happened += result.faults.get(kind, 0)
        assert result.faults.keys() <= {kind}
    assert happened > SEEDS // 4
