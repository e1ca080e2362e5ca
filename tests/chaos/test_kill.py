"""Workers die by SIGKILL in the middle of their work; every question still ends once, with all its claims."""

from __future__ import annotations

import random
import time
from pathlib import Path

from ops.kafka.embedded import EmbeddedKafka
from schemas.outcome_pb2 import Outcome
from schemas.question_pb2 import Question
from tests.pipelines.fleet import fleet
from tests.pipelines.small import expected

QUESTIONS = 60
KILLS = 6


def test_every_question_ends_once_while_workers_are_killed(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chosen = random.Random(seed)
    with fleet(kafka.bootstrap, tmp_path, {"extract_claims": 2, "sorted_words": 2, "appraise": 2}) as running:
        slots = list(running.processes)
        victims = [("coordinator", 0), *chosen.sample([s for s in slots if s[0] != "coordinator"], KILLS - 1)]
        for i in range(QUESTIONS):
            question = Question(question_id=f"{seed}-{i}", text=f"T{i}", deadline_ms=120_000)
            running.ask(question.question_id, question.SerializeToString())
            if i % (QUESTIONS // KILLS) == 5:
                stage, instance = victims.pop()
                running.kill(stage, instance)
                running.start(stage, instance)
            time.sleep(0.05)
        running.collect(QUESTIONS, seconds=110)
        running.collect_for(3)  # a second outcome would come now
        for i in range(QUESTIONS):
            ended = running.outcomes[f"{seed}-{i}"]
            assert len(ended) == 1, f"seed {seed}: question {i} ended {len(ended)} times"
            assert ended[0].status == Outcome.COMPLETE, ended[0].failure
            assert [claim.claim for claim in ended[0].claims] == expected(f"T{i}")


def test_no_question_ends_twice_when_the_coordinator_is_killed_behind_a_slow_one(
    kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    """The slow question holds back the commit, so the records of those that ended after it come again."""
    run = f"behind-{random.randrange(2**32)}"
    with fleet(kafka.bootstrap, tmp_path) as running:
        running.ask(f"{run}-slow", Question(text="pause").SerializeToString())
        time.sleep(0.5)
        for i in range(16):
            running.ask(f"{run}-{i}", Question(text=f"T{i}").SerializeToString())
        while sum(1 for question in running.outcomes if question.startswith(run)) < 16:
            running.collect(len(running.outcomes) + 1)
        assert f"{run}-slow" not in running.outcomes, "the slow question was not slow enough for this test"
        time.sleep(1.5)  # longer than the time between two commits
        running.kill("coordinator")
        running.start("coordinator")
        while f"{run}-slow" not in running.outcomes:
            running.collect(len(running.outcomes) + 1)
        running.collect_for(3)  # a second outcome would come now
        ended = {question: len(found) for question, found in running.outcomes.items() if question.startswith(run)}
        assert ended == dict.fromkeys([f"{run}-slow", *(f"{run}-{i}" for i in range(16))], 1)
