"""The explicit FacTool ends as the graph does, under crashes, copies, rebalances and changes of the routing table."""

from __future__ import annotations

import json
import os
from collections import Counter

import pytest
from explicit_parts import as_texts, check_relay, explicit, relay
from scripted import Script

from alto_streams.testing import Faults, Result, run, simulate
from schemas.question_pb2 import Question

SEEDS = int(os.environ.get("ALTO_SEEDS", "25"))
NAMES = ("a", "b", "c")
QUESTIONS = {name: Question(text=name) for name in NAMES}


@pytest.mark.timeout(0)
def test_equal_words_give_the_graphs_outcomes_under_any_faults() -> None:
    graph = run(Script().pipeline(), {name: name.encode() for name in NAMES})
    assert any(json.loads(outcome) for outcome in graph.outcomes.values())
    assert as_texts(run(explicit(Script()), QUESTIONS)).outcomes == graph.outcomes
    pipeline, happened = explicit(Script()), Counter[str]()

    def same(result: Result) -> None:
        assert as_texts(result).outcomes == graph.outcomes

    for seed in range(SEEDS):
        happened.update(simulate(pipeline, QUESTIONS, seed, check=same).faults)
    assert all(happened[kind] for kind in ("crash", "move", "copy", "readmit", "epoch"))


@pytest.mark.timeout(0)
def test_words_that_change_with_each_run_never_mix() -> None:
    for seed in range(SEEDS):
        script = Script(seed)
        simulate(explicit(script), QUESTIONS, seed, check=lambda result, s=script: s.check(as_texts(result)))


@pytest.mark.timeout(0)
def test_stages_with_keys_in_a_chain_pass_on_what_one_run_wrote() -> None:
    faults = Faults(budget=30, every=5)
    for seed in range(SEEDS):
        script = Script(seed, most=6)
        simulate(relay(script), QUESTIONS, seed, faults, check=lambda result, s=script: check_relay(s, result))


@pytest.mark.timeout(0)
def test_every_question_ends_once_though_deadlines_pass_half_way() -> None:
    ends = Counter[bool]()
    for seed in range(SEEDS):
        script = Script(seed)

        def check(result: Result, script: Script = script) -> None:
            found = as_texts(result)
            for question, outcome in list(found.outcomes.items()):
                late = isinstance(json.loads(outcome), dict)
                ends[late] += 1
                if late:
                    del found.outcomes[question]
                    assert json.loads(outcome)["failure"][1] == "deadline_exceeded"
            script.check(found)

        simulate(explicit(script), QUESTIONS, seed, Faults(tick_ms=10), deadline_ms=3000, check=check)
    assert ends[True] > 0
    assert ends[False] > 0
