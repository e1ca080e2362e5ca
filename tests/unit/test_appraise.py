"""Appraisal: from the engine's probabilities and the evidence to a verdict, and from verdicts to the outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from scripted_engine import ScriptedEngine, context

from alto_streams.engines.protocol import Prompt
from alto_streams.errors import EngineError
from alto_streams.failure import Failure
from schemas.claim_pb2 import Claim
from schemas.outcome_pb2 import Outcome
from schemas.ranked_passages_pb2 import RankedPassage, RankedPassages
from schemas.verified_claim_pb2 import NOT_ENOUGH_EVIDENCE, SUPPORTED, VerifiedClaim
from stages import appraise as stage
from stages.appraise import SHOWN, appraise
from stages.calibration.model import Calibration, Logistic
from stages.opinion import PASSAGE_CHARS, judge, opinion
from stages.outcome import conclude

GRANITE = Claim(text="Granite is an igneous rock.")
EVIDENCE = RankedPassages(
    passages=[
        RankedPassage(passage=1, title="Basalt", text="Basalt is dark.", bm25=3, late_interaction=0.3),
        RankedPassage(passage=2, title="Granite", text="Granite is an igneous rock.", bm25=9, late_interaction=0.9),
        RankedPassage(passage=3, title="Marble", text="Marble is a rock.", bm25=2, late_interaction=0.2),
        RankedPassage(passage=4, title="Chalk", text="Chalk is soft.", bm25=1, late_interaction=0.1),
    ]
)


@pytest.fixture
def margin_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A calibration in which the engine's odds decide alone."""
    fitted = Calibration(Logistic(0.0, {"margin": 4.0}), Logistic(5.0, {}))
    monkeypatch.setattr(stage, "calibration", lambda engine: fitted)


@pytest.mark.usefixtures("margin_only")
@pytest.mark.parametrize(("yes", "no", "verdict"), [(-0.1, -3.0, "SUPPORTED"), (-3.0, -0.1, "REFUTED")])
async def test_the_verdict_follows_the_odds(yes: float, no: float, verdict: str) -> None:
    engine = ScriptedEngine(scores=[yes, no])
    verified = await appraise(GRANITE, EVIDENCE, context(engine))
    assert (
        VerifiedClaim.DESCRIPTOR.fields_by_name["verdict"].enum_type.values_by_number[verified.verdict].name == verdict
    )
    assert (verified.score > 0.5) == (verdict == "SUPPORTED")
    assert (verified.question_id, verified.claim_id, verified.claim) == ("q1", "q1/0/0", GRANITE.text)


@pytest.mark.usefixtures("margin_only")
async def test_the_passage_about_the_claim_is_judged_and_shown_first() -> None:
    engine = ScriptedEngine(scores=[-1.0, -2.0])
    verified = await appraise(GRANITE, EVIDENCE, context(engine))
    assert [prompt for prompt, _ in engine.scored] == [judge(GRANITE.text, "Granite", "Granite is an igneous rock.")]
    assert verified.evidence[0].title == "Granite"
    assert verified.evidence[0].score == pytest.approx(0.9)
    assert len(verified.evidence) == SHOWN


async def test_no_passages_are_not_enough_evidence_and_cost_no_engine_time() -> None:
    engine = ScriptedEngine()
    verified = await appraise(GRANITE, RankedPassages(), context(engine))
    assert verified.verdict == NOT_ENOUGH_EVIDENCE
    assert verified.score == 0.5
    assert not engine.scored


async def test_passages_about_something_else_are_not_enough_evidence() -> None:
    other = RankedPassages(passages=[RankedPassage(title="Opera", text="Opera is sung.", late_interaction=0.1)])
    engine = ScriptedEngine(scores=lambda prompt, options: [-1.0] * len(options))
    assert (await appraise(GRANITE, other, context(engine))).verdict == NOT_ENOUGH_EVIDENCE


async def test_an_engine_error_is_the_stages_error() -> None:
    def fail(prompt: Prompt, options: Sequence[str]) -> list[float]:
        raise EngineError("gone")

    with pytest.raises(EngineError):
        await opinion(ScriptedEngine(scores=fail), GRANITE.text, "Granite", "A rock.")


async def test_cancellation_ends_the_questions_to_the_engine() -> None:
    started = asyncio.Event()

    class Stuck(ScriptedEngine):
        async def score(self, prompt: Prompt, options: Sequence[str]) -> list[float]:
            started.set()
            await asyncio.Event().wait()
            raise AssertionError

    engine = Stuck()
    task = asyncio.create_task(opinion(engine, GRANITE.text, "Granite", "A rock."))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_opinion_is_one_question_about_as_much_of_the_passage_as_a_prompt_bears() -> None:
    engine = ScriptedEngine(scores=[-1.0, -3.0])
    held = await opinion(engine, GRANITE.text, "Granite", "A rock. " * 1000)
    assert held.margin == 2.0
    [(prompt, _)] = engine.scored
    assert len(prompt.messages[0].content) <= PASSAGE_CHARS + len("Granite. ")


@pytest.mark.parametrize("failure", [None, Failure("bm25", "stage_failed", "disk")])
def test_the_outcome_keeps_order_and_says_why_it_failed(failure: Failure | None) -> None:
    verdicts = [VerifiedClaim(claim=text, verdict=SUPPORTED) for text in ("b", "a")]
    outcome = conclude("q1", verdicts, failure)
    assert outcome.question_id == "q1"
    assert [one.claim for one in outcome.claims] == ["b", "a"]
    assert outcome.status == (Outcome.FAILED if failure else Outcome.COMPLETE)
    assert outcome.HasField("failure") == (failure is not None)
