"""What a load's report says: waits from the intended time, what never came, the window, lateness; and its files."""

from __future__ import annotations

import gzip
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.load import listener as listening
from perf.load.arrivals import arrivals
from perf.load.errors import LoadError
from perf.load.files import BUILT_IN, Traced, drawn, read_questions, read_trace
from perf.load.listener import NO_OUTCOME, UNFINISHED, Asked, Listener
from perf.load.report import Report
from perf.load.waits import Waits
from tests.pipelines.scripted import pipeline

ROOT = Path(__file__).parents[2]
VERDICT = [("type", b"verified_claim"), ("id", b"0.0-a")]
OUTCOME = [("type", b"outcome"), ("id", b"")]


def report(asked: list[Asked], warm_up_s: float = 0.0, seconds: float = 10.0) -> Report:
    return Report(pipeline, asked, warm_up_s, seconds, connections=1, deadline_s=60, cpu_s=0.5, emulated=False)


def asked(due: float, took: float, error: str = "", late: float = 0.0) -> Asked:
    return Asked(due, late, {"sentence": took / 4, "verified_claim": took / 2}, took / 2, took, error)


class Clock:
    """Stands for the module `time`."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> tuple[Listener, Clock]:
    clock = Clock()
    monkeypatch.setattr(listening, "time", clock)
    listener = Listener("verified_claim")
    listener.begun_at = 100.0
    return listener, clock


def test_waits_count_from_the_intended_time_however_late_the_sending_was(heard):
    listener, clock = heard
    listener.open[b"q"] = one = Asked(due_s=1.0, late_s=2.0)
    for clock.now, headers in ((103.5, [("type", b"sentence")]), (104.0, VERDICT), (105.0, VERDICT), (106.0, OUTCOME)):
        listener.on_record(b"q", headers, b"")
    assert one.first_s == {"sentence": 2.5, "verified_claim": 3.0}
    assert one.last_output_s == 3.0  # the same claim again is no later verdict
    assert (one.ended_s, one.error) == (5.0, "")


def test_a_failed_outcome_counts_by_its_stage_and_kind_and_the_first_end_counts(heard):
    listener, clock = heard
    listener.open[b"q"] = one = Asked(due_s=0.0)
    clock.now = 101.0
    why = json.dumps({"stage": "answer", "kind": "engine_failed", "message": "It broke."}).encode()
    listener.on_record(b"q", [*OUTCOME, ("failure", why)], b"")
    listener.on_record(b"q", OUTCOME, b"")
    assert (one.error, one.complete, len(listener.ended)) == ("answer: engine_failed", False, 1)


def test_it_says_emulated_where_the_items_do(heard):
    listener, _ = heard
    for number, text in enumerate((b"\n\x09Emulated.", b"\n\x0eemulated hamlet", b"\n\x06Paris.")):
        listener.open[b"%d" % number] = Asked(0.0)
        listener.on_record(b"%d" % number, [("type", b"sentence")], text)
        assert listener.emulated is True
    listener.heard_emulated = 1
    assert listener.emulated is False


@given(st.lists(st.floats(0, 100), min_size=1), st.sampled_from([50, 95, 99]))
def test_percentiles_are_those_of_numpy_where_all_have_ended(waits, percent):
    assert Waits(waits).percentile(percent) == (np.percentile(waits, percent, method="inverted_cdf"), False)


@given(st.lists(st.floats(0, 100)), st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1000)), min_size=1))
def test_a_percentile_with_open_waits_is_never_above_the_true_one_and_exact_where_it_says_so(ended, censored):
    """Each open wait is known up to a moment; its true length is that and some more."""
    truth = sorted([*ended, *(known + more for known, more in censored)])
    waits = Waits(ended, [known for known, _ in censored])
    for percent in (50, 95, 99):
        value, at_least = waits.percentile(percent)
        true = truth[max(0, math.ceil(percent * len(truth) / 100) - 1)]
        assert value == true or (at_least and value < true)


def test_a_question_without_an_outcome_makes_its_percentiles_lower_bounds():
    made = report([*(asked(n / 10, 1.0) for n in range(98)), asked(9.8, 8.0, NO_OUTCOME), asked(9.9, 9.0, NO_OUTCOME)])
    outcome = made.waits["outcome"].figures()
    assert (outcome["p50_s"], outcome["p95_s"], outcome["p99_s"]) == (1.0, 1.0, 8.0)
    assert outcome["at_least"] == ["p99_s", "mean_s", "max_s"]
    assert "at_least" not in made.waits["first_verdict"].figures()  # those came
    assert (made.errors, made.timeouts) == ({NO_OUTCOME: 2}, 2)


def test_a_complete_question_without_a_claim_waits_for_no_verdict():
    made = report([Asked(1.0, 0.0, {"sentence": 0.5}, None, 2.0, ""), asked(2.0, 4.0)])
    assert made.waits["first_claim"].figures() == {"of": 0}
    assert made.waits["first_verdict"].ended == [2.0]
    assert made.waits["first_item"].ended == [0.5, 1.0]
    assert made.waits["outcome"].ended == [2.0, 4.0]


def test_offered_and_achieved_are_those_of_the_window():
    early = [asked(1.0, 4.5), asked(1.5, 4.0)]  # of the warm-up, complete in the window
    outside = asked(13.0, 3.0)  # complete after it
    made = report([*early, asked(6.0, 1.0), asked(7.0, 1.0, "rerank: stage_failed"), outside], 5.0, 10.0)
    assert made.offered_per_s == 0.3
    assert made.achieved_per_s == 0.3
    assert made.goodput_per_s(3.0) == 0.2
    assert made.goodput_per_s(2.9) == 0.1
    assert made.errors == {"rerank: stage_failed": 1}
    assert len(made.waits["outcome"]) == 3


def test_a_point_is_kept_from_four_fifths_of_the_offered_load_on():
    slow = asked(5.0, 9.0)
    assert report([*(asked(n, 1.0) for n in range(4)), slow]).kept
    assert not report([*(asked(n, 1.0) for n in range(3)), slow]).kept
    assert not report([]).kept


def test_what_was_open_at_the_stop_is_no_error():
    made = report([asked(1.0, 1.0), asked(2.0, 0.5, UNFINISHED)])
    assert (made.errors, made.unfinished, made.figures()["unfinished"]) == ({}, 1, 1)


def test_a_generator_that_was_late_says_so():
    on_time = [asked(n / 100, 1.0, late=0.049) for n in range(99)]
    assert report([*on_time, asked(1.0, 1.0, late=9.0)]).too_slow is False
    slow = report([*on_time, asked(1.0, 1.0, late=9.0), asked(1.1, 1.0, late=0.06)])
    assert slow.too_slow is True
    assert slow.late.percentile(50) == (0.049, False)
    assert slow.figures()["late"]["max_s"] == 9.0


def test_figures_of_a_window_in_which_nothing_was_due():
    figures = report([asked(1.0, 1.0)], warm_up_s=5.0, seconds=0.0).figures()
    assert (figures["questions"], figures["offered_per_s"], figures["achieved_share"]) == (0, 0.0, 0.0)
    assert json.loads(json.dumps(figures)) == figures


def test_questions_are_read_packed_or_not(tmp_path):
    file = tmp_path / "questions.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"q": "Who?"}\n\n{"q": " What? "}\n'))
    assert read_questions(file, "q") == ["Who?", "What?"]
    plain = tmp_path / "questions.txt"
    plain.write_text("Who?\nWhat?\n")
    assert read_questions(plain) == ["Who?", "What?"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"text": "Who?"}', "line 1 has no text 'question'"),
        ('Who?\n{"question"', "line 2 is no JSON object"),
        ("\n", "holds no question"),
    ],
)
def test_an_unusable_questions_file_is_one_error(tmp_path, text, why):
    file = tmp_path / "questions"
    file.write_text(text)
    with pytest.raises(LoadError, match=why):
        read_questions(file)


def test_a_missing_or_damaged_file_is_one_error(tmp_path):
    with pytest.raises(LoadError, match="No such file"):
        read_questions(tmp_path / "none")
    damaged = tmp_path / "damaged.gz"
    damaged.write_bytes(gzip.compress(b"Who?" * 1000)[:20])
    with pytest.raises(LoadError, match="cannot be read"):
        read_questions(damaged)


def test_a_trace_is_seconds_or_json_lines_in_any_order(tmp_path):
    file = tmp_path / "trace"
    file.write_text('2.5\n{"at": 0.25, "question": "Who?"}\n{"at": 1}\n')
    assert read_trace(file) == [Traced(0.25, "Who?"), Traced(1.0), Traced(2.5)]


@pytest.mark.parametrize(
    "line", ["soon", "-1", "inf", '{"question": "Who?"}', '{"at": null}', '{"at": 1, "question": 2}']
)
def test_an_unusable_arrival_is_one_error(tmp_path, line):
    file = tmp_path / "trace"
    file.write_text(f"0.5\n{line}\n")
    with pytest.raises(LoadError, match="line 2 is no arrival"):
        read_trace(file)


def test_questions_are_drawn_by_seed_and_none_again_before_all_were_asked():
    known = list(BUILT_IN)
    found = drawn(known, 3 * len(known), 7)
    assert found == drawn(known, 3 * len(known), 7) != drawn(known, 3 * len(known), 8)
    for start in range(0, len(found), len(known)):
        assert sorted(found[start : start + len(known)]) == sorted(known)


@pytest.mark.parametrize(("rate", "to"), [(-1, None), (math.nan, None), (math.inf, None), (0, None), (1, -1)])
def test_an_unusable_rate_is_one_error(rate, to):
    with pytest.raises(LoadError, match="rate"):
        arrivals(rate, 10, to)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rate", "-1"], "-1.0 questions a second cannot be sent"),
        (["--questions", "nowhere.jsonl"], "nowhere.jsonl cannot be read"),
        (["--pipeline", "nowhere:pipeline", "--brokers", "127.0.0.1:9"], "No pipeline at 'nowhere:pipeline'"),
    ],
)
def test_errors_are_lines_with_a_mend(options, said):
    command = [sys.executable, "-m", "perf.load", *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
    told = " ".join(done.stderr.split())
    assert done.returncode == 1
    assert said in told
    assert "Mend: " in told
    assert "Traceback" not in told
