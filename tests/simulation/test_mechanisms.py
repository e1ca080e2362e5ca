"""Each mechanism earns its keep: without it, some seed breaks an invariant. The least schedule shows how.

`python tests/simulation/table.py` makes the table of docs/correctness.md.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from mechanisms import (
    MECHANISMS,
    Break,
    Mechanism,
    changing,
    without_commit_metadata,
    without_ended_questions,
    without_watermark,
)
from scripted import QUESTIONS

from alto_streams.testing import Result, Schedule, SimulationError, simulate, simulate_case
from alto_streams.testing.shrink import Origin, origin
from alto_streams.testing.simulated import Case

SEEDS = range(120)
BROKEN = (
    "have not ended|ended twice|mixes runs|of two queries|in two partitions|has constraint|still holds|is committed|"
    "came again|too large for the broker"
)


def first_failure(case: Case, shrink_s: float = 0) -> SimulationError | None:
    for seed in SEEDS:
        try:
            simulate_case(case, seed, shrink_s=shrink_s)
        except SimulationError as error:
            return error
    return None


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda one: one.remove.__name__)
def test_some_seed_fails_without(mechanism: Mechanism, monkeypatch: pytest.MonkeyPatch) -> None:
    mechanism.remove(monkeypatch)
    found = first_failure(mechanism.case)
    assert found is not None, f"no seed of {len(SEEDS)} notices"
    assert re.search(BROKEN, found.problem), found.problem


def test_no_seed_fails_with_all_of_them() -> None:
    assert first_failure(changing) is None


@pytest.mark.parametrize("remove", [without_ended_questions, without_commit_metadata])
def test_the_least_schedule_is_much_shorter_and_fails_in_the_same_way(
    remove: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        remove(broken)
        found = first_failure(changing, shrink_s=600)
        assert found is not None
        assert found.shrunk is not None
        least = found.schedule
        assert least.decisions * 10 < found.original
        assert 0 < len(least.faults) <= 2
        assert len(least.questions) <= 2
        with pytest.raises(SimulationError) as again:
            simulate_case(changing, found.seed, schedule=least, shrink_s=0)
        assert again.value.problem == f"{type(found.shrunk.error).__name__}: {found.shrunk.error}"
        assert again.value.steps[-30:] == found.steps[-30:]
        told = found.message.split("The least schedule")[1]
        assert all(fault.action.upper() in told for fault in least.faults)
    simulate_case(changing, found.seed, schedule=least)  # it was the mechanism


def test_each_event_of_the_least_schedule_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    without_commit_metadata(monkeypatch)
    found = first_failure(changing, shrink_s=600)
    assert found is not None
    assert found.shrunk is not None
    assert not found.shrunk.cut_short
    for index in range(len(found.schedule.events)):
        events = found.schedule.events[:index] + found.schedule.events[index + 1 :]
        assert raised(found.seed, found.schedule._replace(events=events)) != origin(found.shrunk.error)


def raised(seed: int, schedule: Schedule) -> Origin | None:
    try:
        simulate_case(changing, seed, schedule=schedule, shrink_s=0)
    except SimulationError as error:
        assert error.__cause__ is not None  # noqa: PT017
        return origin(error.__cause__)
    return None


def test_a_shrink_that_runs_out_of_time_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    without_watermark(monkeypatch)
    found = first_failure(changing, shrink_s=1e-9)
    assert found is not None
    assert found.shrunk is not None
    assert found.shrunk.replays == 3  # two to see that it fails again, one to show it
    assert "cut short" in found.message


def test_a_case_that_keeps_a_state_is_not_shrunk() -> None:
    checked: list[Result] = []

    def check(result: Result) -> None:
        checked.append(result)
        assert len(checked) > 1, "only once"

    with pytest.raises(SimulationError, match="something keeps a state from one history to the next") as caught:
        simulate(changing(0).pipeline, QUESTIONS, 0, check=check)
    assert caught.value.shrunk is None


def test_a_question_that_the_check_counts_on_is_kept() -> None:
    def check(result: Result) -> None:
        assert set(result.outcomes) == set(QUESTIONS), "not all of them"
        assert not result.faults.get("crash"), "crashed"

    found = first_failure(lambda seed: replace(changing(seed), check=check), shrink_s=600)
    assert found is not None
    assert [event.action for event in found.schedule.faults] == ["crash"]
    assert set(found.schedule.questions) == set(QUESTIONS)
    assert found.schedule.decisions == 1
