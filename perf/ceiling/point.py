"""One measurement: so many questions in flight, warm, then whole turns through the questions."""

from __future__ import annotations

from typing import Any

from perf.ceiling.closed_loop import ClosedLoop
from perf.ceiling.processor import by_role
from perf.ceiling.stacks import Running


def point(running: Running, loop: ClosedLoop, in_flight: int, turn: int, seconds: float) -> dict[str, Any]:
    """Questions a second, and for a question: milliseconds of processor time by role, and records.

    Whole turns through the `turn` questions, so that every measurement has the same work; as many as take `seconds`.
    """
    records, asked = loop.records(), loop.asked
    loop.keep(in_flight)
    loop.turn(in_flight)
    before, took, count = by_role(running.pids), 0.0, 0
    while not count or took < seconds:
        took += loop.turn(turn)
        count += turn
    spent = {role: 1000 * (now - before[role]) / count for role, now in by_role(running.pids).items()}
    loop.drain()  # or what counting takes would be the stack's to go on in
    made = (loop.records() - records) / (loop.asked - asked)
    return {
        "in_flight": in_flight,
        "questions": count,
        "questions_per_s": count / took,
        "cpu_ms": sum(spent.values()),
        "cpu_ms_by_process": spent,
        "records": made,
        "cpu_us_per_record": 1000 * sum(spent.values()) / made,
    }
