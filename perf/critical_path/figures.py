"""From questions and their spans to the figures: ratios to the critical path, and where the rest went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from perf.critical_path.measure import Asked
from perf.critical_path.path import Question
from perf.spread import spread
from perf.trace.runs import Run

BAR = 1.05


def figures(asked: Sequence[Asked], traced: Mapping[str, Sequence[Run]], whole: Sequence[Asked]) -> dict[str, Any]:
    """Of the questions that were answered. `whole` are the same questions, asked in whole-output mode, or none."""
    answered = [one for one in asked if one.question_id in traced]
    questions = [Question(traced[one.question_id]) for one in answered]
    each = [_question(one, question) for one, question in zip(answered, questions, strict=True)]
    result: dict[str, Any] = {
        "latency_to_critical_path": _ratio([row["latency_s"] / row["critical_path_s"] for row in each]),
        "client_latency_to_critical_path": spread([row["client_s"] / row["critical_path_s"] for row in each]),
        "latency_to_critical_path_with_retrieval": spread([row["latency_s"] / row["with_retrieval_s"] for row in each]),
    }
    by_id = {one.question_id: one for one in whole}
    slower = [
        by_id[row["question_id"]].outcome_s / row["critical_path_s"] for row in each if row["question_id"] in by_id
    ]
    if slower:
        result["whole_outputs_client_latency_to_critical_path"] = spread(slower)
    for name in ("critical_path_s", "with_retrieval_s", "latency_s", "client_s", "client_first_s"):
        result[name] = spread([row[name] for row in each])
    return result | {"where": where(questions), "hops": hops(questions), "questions": each}


def where(questions: Sequence[Question]) -> list[dict[str, Any]]:
    """The parts of the way that each question took, by stage, in ms of a question; a question without one has 0."""
    sums = [_sums(question) for question in questions]
    parts = sorted({part for one in sums for part in one}, key=lambda part: -sum(one.get(part, 0.0) for one in sums))
    latency = sum(question.latency_s for question in questions)
    return [
        {
            "stage": stage,
            "what": what,
            "ms": spread([1000 * one.get((stage, what), 0.0) for one in sums]),
            "share": float(f"{sum(one.get((stage, what), 0.0) for one in sums) / latency:.3g}"),
        }
        for stage, what in parts
    ]


def hops(questions: Sequence[Question]) -> dict[str, Any]:
    """Of a record on the way that a question took, ms: in all, and by the stage that reads it."""
    found = defaultdict(list)
    for question in questions:
        for segment in question.segments():
            if segment.what == "transport":
                found["all"].append(1000 * segment.seconds)
                found[segment.stage].append(1000 * segment.seconds)
    return {stage: {**spread(values), "hops": len(values)} for stage, values in found.items()}


def _sums(question: Question) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = defaultdict(float)
    for segment in question.segments():
        found[segment.stage, segment.what] += segment.seconds
    return found


def _question(asked: Asked, question: Question) -> dict[str, Any]:
    return {
        "question_id": asked.question_id,
        "text": asked.text,
        "runs": len(question.runs),
        "critical_path_s": round(question.critical_s(), 4),
        "with_retrieval_s": round(question.critical_s(retrieval=True), 4),
        "latency_s": round(question.latency_s, 4),
        "client_s": round(asked.outcome_s, 4),
        "client_first_s": round(asked.first_s, 4),
    }


def _ratio(values: Sequence[float]) -> dict[str, Any]:
    summary = spread(values)
    return {**summary, "bar": f"<= {BAR}", "met": summary["median"] <= BAR}
