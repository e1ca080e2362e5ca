"""The two stacks that are measured, brought up for one block each: ours, and plain Faust's, on an embedded Kafka."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Message

from ops.kafka.embedded import EmbeddedKafka
from perf.peers.faust_plain import topics as faust
from perf.peers.faust_plain.crew import crew
from perf.stack import stack
from topics import names

ENGINE = "emulated:?instant=1"
PIPELINE = "perf.ceiling.graph:pipeline"


@dataclass(frozen=True, slots=True)
class Running:
    """A stack that answers. `pids` are its processes by role; whoever asks is none of them."""

    brokers: str
    questions: str  # where they are sent
    answers: tuple[str, ...]  # where verdicts and outcomes come
    is_outcome: Callable[[Message], bool]
    pids: Mapping[str, list[int]]

    @property
    def workers(self) -> dict[str, list[int]]:
        """The processes of the stages."""
        apart = ("broker", "supervisor", "zygote")
        return {role: pids for role, pids in self.pids.items() if role not in apart}


@contextmanager
def ours() -> Iterator[Running]:
    """As `alto up` brings it up."""
    with stack(PIPELINE, env={"ALTO_ENGINE_URL": ENGINE, "ALTO_LOG_LEVEL": "warning"}) as up:
        output = names.verified_claims(up.pipeline)
        yield Running(up.brokers, names.questions(up.pipeline), (output,), _ends, up.pids())


@contextmanager
def plain_faust() -> Iterator[Running]:
    """One worker a stage."""
    with (
        tempfile.TemporaryDirectory(prefix="perf-") as folder,
        EmbeddedKafka(Path(folder)) as kafka,
        crew(kafka.bootstrap, ENGINE) as workers,
    ):
        answers = (faust.VERDICTS, faust.OUTCOMES)
        pids = {"broker": [kafka.pid], **workers}
        yield Running(kafka.bootstrap, faust.QUESTIONS, answers, _is_faust_outcome, pids)


STACKS: Mapping[str, Callable[[], AbstractContextManager[Running]]] = {"alto": ours, "faust": plain_faust}


def _ends(message: Message) -> bool:
    return ("type", b"outcome") in (message.headers() or ())


def _is_faust_outcome(message: Message) -> bool:
    return message.topic() == faust.OUTCOMES
