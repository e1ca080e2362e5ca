"""Kafka in memory: the partitions of all stages, and what was published. Every record passes the codec."""

from __future__ import annotations

from alto_streams.ancestry import Key
from alto_streams.effects import DeadLetter, Publish, Send, Tell
from alto_streams.explicit.envelope import unpack
from alto_streams.explicit.plan import ExplicitStage
from alto_streams.plan import Plan, StagePlan
from alto_streams.progress import Progress
from alto_streams.record import Record, decode_record, encode_header
from alto_streams.routing import Router, RoutingTable
from alto_streams.testing.assignment import Partition, Violation


class Memory:
    """All topics of one pipeline. It watches, as records come, that scopes stay together and questions end once."""

    def __init__(
        self, plan: Plan, partitions: int, metadata_bytes: int | None = None, begin: Progress | None = None
    ) -> None:
        """`begin` is what is committed of a partition before anyone has read it."""
        self.plan, self._metadata_bytes, self._begin = plan, metadata_bytes, begin
        self.topics: dict[str, list[Partition]] = {stage.name: [] for stage in plan.stages}
        for stage in self.topics:
            self.grow(stage, partitions)
        self.tables: list[RoutingTable] = []
        self.output: list[Publish] = []
        self.progress: list[Publish] = []
        self.dead_letters: list[DeadLetter] = []
        self.ended: dict[str, bytes] = {}
        self.sent: list[Send | Tell] = []
        self._places: dict[tuple[str, Key, int], int] = {}

    def grow(self, stage: str, partitions: int) -> None:
        """Until the stage's topic has so many."""
        topic = self.topics[stage]
        while len(topic) < partitions:
            topic.append(Partition(self._metadata_bytes))
            if self._begin is not None:
                topic[-1].commit(self._begin)

    def route(self, send: Send, router: Router) -> int:
        """The partition for a record, checked against what the plan says of its edge."""
        stage, epoch = self.plan.stage(send.stage), send.record.epoch
        if stage.stateful != (send.constraint is not None):
            raise Violation(f"A record for stage '{send.stage}' has constraint {send.constraint!r}.")
        partition = router.partition(send.stage, epoch, send.constraint)
        if send.constraint is not None:
            key = _key(stage, send.record)
            if self._places.setdefault((send.stage, key, epoch), partition) != partition:
                raise Violation(f"Stage '{send.stage}' gets {key} of epoch {epoch} in two partitions.")
        return partition

    def append(self, send: Send | Tell, partition: int) -> None:
        self.sent.append(send)
        self.topics[send.stage][partition].log.append((encode_header(send.record), send.record.value))

    def read(self, stage: str, partition: int, offset: int) -> Record:
        return decode_record(*self.topics[stage][partition].log[offset])

    def publish(self, effect: Publish) -> None:
        if effect.channel == "progress":
            self.progress.append(effect)
            return
        self.output.append(effect)
        if effect.type == "outcome":
            if effect.question in self.ended:
                raise Violation(f"Question '{effect.question}' ended twice.")
            self.ended[effect.question] = effect.value


def _key(stage: StagePlan, record: Record) -> Key:
    """What the stage groups the record by; of an explicit stage, what its writer says."""
    if isinstance(stage, ExplicitStage):
        return record.ancestry.question, *unpack(record.value)[0].ids
    return record.ancestry.key(stage.key_depth or 0)
