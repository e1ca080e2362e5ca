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
