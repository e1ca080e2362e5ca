"""What `alto ask` shows: plain lines for pipes, the tree for people, the summary for both."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator

import pytest
from rich.console import Console

from alto_streams.cli.questions import AskedQuestion, read_questions
from alto_streams.cli.render import AnswerTree, Summary, clean, follow
from alto_streams.errors import BrokerError, InvalidInput
from alto_streams.events import ClaimEvent, Event, Evidence, OutcomeEvent, SentenceEvent, VerifiedClaimEvent
from alto_streams.failure import Failure

SENTENCE = SentenceEvent("q", "0-a", "Water is\nwet.")
CLAIM = ClaimEvent("q", "0.0-b", "Water is wet.")
OTHER = ClaimEvent("q", "0.1-b", "Fire is wet.")
VERIFIED = VerifiedClaimEvent(
    "q", "0.0-b", "Water is wet.", "supported", 0.934, (Evidence("Water", "Text.", 0.8), Evidence("Sea", "Text.", 0.1))
)
REFUTED = VerifiedClaimEvent("q", "0.1-b", "Fire is wet.", "refuted", 0.02, ())
COMPLETE = OutcomeEvent("q", "complete", (VERIFIED, REFUTED))
FAILED = OutcomeEvent("q", "failed", (), Failure("rerank", "stage_failed", "It\nbroke."))


async def stream(*events: Event) -> AsyncGenerator[Event, None]:
    for event in events:
        yield event


async def plain(*events: Event) -> tuple[list[str], Summary]:
    out = io.StringIO()
    summary = await follow(stream(*events), "Wet?", Console(file=out, width=40))
    return out.getvalue().splitlines(), summary


def drawn(*events: Event) -> str:
    tree = AnswerTree("Wet?")
    for event in events:
        tree.receive(event)
    out = io.StringIO()
    Console(file=out, width=100).print(tree)
    return out.getvalue()


async def test_plain_output_is_one_line_an_event_whatever_the_width():
    lines, summary = await plain(SENTENCE, CLAIM, OTHER, REFUTED, VERIFIED, COMPLETE)
    assert lines[:-1] == [
        "question   Wet?",
        "sentence   Water is wet.",
        "claim      Water is wet.",
        "claim      Fire is wet.",
        "verdict    ✘ refuted p 0.02  Fire is wet.",
        "verdict    ✔ supported p 0.93  Water is wet.  [Water]",
    ]
    assert lines[-1] == summary.line()


async def test_the_summary_knows_what_came_first_and_last():
    _, summary = await plain(SENTENCE, CLAIM, VERIFIED, REFUTED, COMPLETE)
    times = (summary.first_sentence_s, summary.first_claim_s, summary.first_verified_s, summary.last_verdict_s)
    assert None not in times
    assert list(times) == sorted(times)
    assert summary.last_verdict_s <= summary.total_s
    assert summary.outcome == COMPLETE


def test_the_summary_line_says_only_what_was_seen():
    whole = Summary("Wet?", COMPLETE, 0.5, 1.0, 2.0, 3.25, 3.26)
    assert whole.line() == (
        "complete: 2 claims (1 supported, 1 refuted); "
        "first sentence 0.5 s, first claim 1.0 s, first verdict 2.0 s, last verdict 3.2 s, total 3.3 s"
    )
    nothing = Summary("Wet?", FAILED, None, None, None, None, 0.5)
    assert nothing.line() == "failed: 0 claims; total 0.5 s; failed in rerank: stage_failed: It broke."


async def test_a_terminal_ends_with_the_whole_tree():
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True, color_system=None)
    await follow(stream(SENTENCE, CLAIM, VERIFIED, OutcomeEvent("q", "complete", (VERIFIED,))), "Wet?", console)
    last = out.getvalue().rpartition("Wet?")[2]
    assert "Water is wet." in last
    assert "✔ supported p 0.93  Water is wet.  [Water]" in last
    assert "checking" not in last


async def test_an_error_leaves_the_terminal_as_it_was():
    async def broken() -> AsyncGenerator[Event, None]:
        yield SENTENCE
        raise BrokerError("Gone.")

    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system=None)
    with pytest.raises(BrokerError):
        await follow(broken(), "Wet?", console)
    shown, hidden = out.getvalue().rfind("\x1b[?25h"), out.getvalue().rfind("\x1b[?25l")
    assert shown > hidden  # the cursor is back


def test_the_tree_turns_claims_from_checking_to_verdicts():
    before = drawn(SENTENCE, CLAIM, OTHER, REFUTED)
    assert "checking  Water is wet." in before
    assert "✘ refuted p 0.02  Fire is wet." in before
    after = drawn(SENTENCE, CLAIM, OTHER, REFUTED, VERIFIED)
    assert "checking" not in after
    assert after.index("supported") < after.index("refuted")  # the answer's order, not that of arrival


def test_a_verdict_that_overtakes_its_claim_and_sentence_stands():
    assert "supported" in drawn(VERIFIED, CLAIM)
    assert "…" in drawn(VERIFIED)


def test_a_later_run_replaces_an_earlier_one_and_the_outcome_decides():
    rerun = ClaimEvent("q", "0.0-z", "Water is damp.")
    assert "Water is wet." not in drawn(SentenceEvent("q", "0-z", "Damp."), VERIFIED, rerun)
    stale = VerifiedClaimEvent("q", "1.0-old", "Stale.", "supported", 0.9, ())
    assert "Stale." not in drawn(SENTENCE, stale, VERIFIED, REFUTED, COMPLETE)


def test_claims_that_a_failure_left_open_are_marked():
    assert "not checked  Water is wet." in drawn(SENTENCE, CLAIM, FAILED)


def test_text_cannot_steer_the_terminal():
    assert clean("a\x1b[31m\n\tb\x07") == "a[31m b"
    assert "[bold]" in drawn(SentenceEvent("q", "0-a", "[bold]not markup[/bold]"))


def test_questions_come_as_lines_or_json():
    lines = ["Plain?\n", "  \n", '{"text": "T?"}\n', '{"question": "Q?", "id": 7}\n']
    assert read_questions(lines, "f") == [AskedQuestion("Plain?"), AskedQuestion("T?"), AskedQuestion("Q?", "7")]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["ok", '{"text": '], "f, line 2 is not valid JSON"),
        (['{"txt": "x"}'], "line 1 has neither"),
        (['{"text": "a", "id": "1"}', '{"text": "b", "id": "1"}'], "line 2 has the id '1'"),
        (["", "  "], "f holds no question"),
    ],
)
def test_a_bad_line_is_named(lines: list[str], says: str):
    with pytest.raises(InvalidInput, match=says):
        read_questions(lines, "f")
