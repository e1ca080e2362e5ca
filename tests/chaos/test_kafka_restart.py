"""Kafka stops in the middle of the work, in order and by SIGKILL: every question ends once, with all its claims."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from ops.kafka.embedded import EmbeddedKafka
from schemas.outcome_pb2 import Outcome
from schemas.question_pb2 import Question
from tests.pipelines.fleet import Fleet, fleet
from tests.pipelines.small import expected

QUESTIONS = 100  # before each stop, within a second
AWAY_S = 2
TAKEN_OVER = '"event": "assigned"'


def test_every_question_ends_once_while_kafka_is_away(tmp_path: Path) -> None:
    """Two coordinators: when members are taken for dead meanwhile, one takes over what the other has under way."""
    kafka = EmbeddedKafka(tmp_path / "kafka")
    try:
        kafka.start()
        with fleet(kafka.bootstrap, tmp_path, {"coordinator": 2}) as running:
            before: dict[tuple[str, int], int] = {}
            for round, killed in enumerate((False, True)):
                for i in range(round * QUESTIONS, (round + 1) * QUESTIONS):
                    running.ask(f"{i}", Question(text=f"T{i}", deadline_ms=120_000).SerializeToString())
                    time.sleep(1 / QUESTIONS)
                before = before or takeovers(running)
                if killed:
                    os.kill(kafka.pid, signal.SIGKILL)
                kafka.stop()
                time.sleep(AWAY_S)
                kafka.start()
                running.collect((round + 1) * QUESTIONS)
            running.collect_for(3)  # a second outcome would come now
            for i in range(2 * QUESTIONS):
                ended = running.outcomes[f"{i}"]
                assert [one.status for one in ended] == [Outcome.COMPLETE], f"question {i}: {ended}"
                assert [claim.claim for claim in ended[0].claims] == expected(f"T{i}")
            assert [slot for slot, process in running.processes.items() if process.poll() is not None] == []
            assert takeovers(running) == before, "a member that lives was taken for dead"
    finally:
        kafka.stop()


def takeovers(running: Fleet) -> dict[tuple[str, int], int]:
    """How often each worker has been given partitions."""
    logs = {slot: running.folder / f"{slot[0]}-{slot[1]}.log" for slot in running.processes}
    return {slot: log.read_text().count(TAKEN_OVER) for slot, log in logs.items()}
