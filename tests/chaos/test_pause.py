"""A coordinator stands still (SIGSTOP), is replaced, and goes on as if nothing had been: no question ends twice."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from ops.kafka.embedded import EmbeddedKafka
from schemas.outcome_pb2 import Outcome
from schemas.question_pb2 import Question
from tests.pipelines.fleet import Fleet, fleet
from tests.pipelines.small import expected

PAUSES = 4
PAUSE_S = 4.5  # longer than the session of a group
QUESTIONS_A_SECOND = 40


def test_no_question_ends_twice_when_coordinators_stand_still(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    run, asked = f"pause-{random.randrange(2**32)}", list[str]()
    with fleet(kafka.bootstrap, tmp_path, {"coordinator": 2}) as running:
        for pause in range(PAUSES):
            ask(running, run, asked, 1)
            paused = running.processes["coordinator", pause % 2]
            os.kill(paused.pid, signal.SIGSTOP)
            try:
                ask(running, run, asked, PAUSE_S)
            finally:
                os.kill(paused.pid, signal.SIGCONT)
        while any(question not in running.outcomes for question in asked):
            running.collect(len(running.outcomes) + 1)
        running.collect_for(3)  # a second outcome would come now
        for i, question in enumerate(asked):
            ended = running.outcomes[question]
            assert [one.status for one in ended] == [Outcome.COMPLETE], f"{question}: {ended}"
            assert [claim.claim for claim in ended[0].claims] == expected(f"T{i}")
        assert [stage for stage, process in running.processes.items() if process.poll() is not None] == []


def ask(running: Fleet, run: str, asked: list[str], seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        question = Question(text=f"T{len(asked)}", deadline_ms=120_000)
        asked.append(f"{run}-{len(asked)}")
        running.ask(asked[-1], question.SerializeToString())
        time.sleep(1 / QUESTIONS_A_SECOND)
