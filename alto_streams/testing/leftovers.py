"""What instances may still hold of questions that have ended, before the questions' deadlines let go of it.

All stages are told of a question that fails, and let go of it. A group stays open when what it waits for will never
come, which is right for three reasons and no other:

- `forgotten`: the question was called off (it failed, or was read again after its end); an earlier owner of the
  partition was told so and acknowledged it, and these records came after that;
- `repeated`: the scope was complete before these records, which came again from a sender that was taken over; they find
  their scope forgotten, since their receiver was taken over as well;
- `replaced`: a run was cut short and the run that followed wrote other items, so that nobody completes the first.

What an explicit stage still waits for is for its author to know: its sets are counted, as `explicit`, and not judged.
"""

from __future__ import annotations

from collections import Counter

from alto_streams.ancestry import Attempt, Key, Path
from alto_streams.effects import Delivery
from alto_streams.execution import StageLogic
from alto_streams.explicit.plan import ExplicitStage
from alto_streams.groups import Group
from alto_streams.plan import StagePlan
from alto_streams.record import Kind
from alto_streams.testing.assignment import Assignment, Violation
from alto_streams.testing.memory import Memory
from alto_streams.testing.worker import Worker


class Leftovers:
    """Looks at instances at rest: whatever could be delivered, run or sent has been."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.found: Counter[str] = Counter()
        self.failed = {sent.record.ancestry.question for sent in memory.sent if sent.record.kind is Kind.FAILURE}
        self._latest: dict[tuple[str, Path], Attempt] = {}
        for record in (sent.record for sent in memory.sent):
            question, path = record.ancestry.question, record.ancestry.path
            for level, step in enumerate(path):
                self._seen(question, path[:level], step.attempt)
            if record.kind is Kind.COUNT:
                self._seen(question, path, record.attempt)

    def _seen(self, question: str, parent: Path, attempt: Attempt) -> None:
        self._latest[question, parent] = max(attempt, self._latest.get((question, parent), attempt))

    def check(self, worker: Worker) -> None:
        """Raises Violation when the instance holds more than it may."""
        if work := {what: left for what, left in worker.open_work().items() if what in ("runs", "sends")}:
            raise Violation(f"Instance {worker.name} still holds {work}, though it is at rest.")
        for number, one in worker.assigned.items():
            table = worker.logic.tables.get(number)
            groups = table.groups if table else {}
            for key, group in groups.items():
                if isinstance(worker.logic, StageLogic) and worker.logic.endings.cover(group.ancestry, group.epoch):
                    raise Violation(f"Instance {worker.name} holds {key}, though it was told that this has ended.")
                if isinstance(worker.stage, ExplicitStage):
                    self.found["explicit"] += 1
                    continue
                self.found[self._reason(worker.stage, one, number, key, group)] += 1
            held = {one.place(delivery.offset) for group in groups.values() for delivery in group.deliveries()}
            self._check_committed(worker.stage, number, one, held)

    def _check_committed(self, stage: StagePlan, number: int, one: Assignment, held: set[int]) -> None:
        one.commit()
        partition = one.partition
        if missing := set(range(len(partition.log))) - partition.done - held:
            raise Violation(f"Partition {number} of '{stage.name}' still holds offsets {sorted(missing)}, in no group.")
        if partition.committed != min(held, default=len(partition.log)):
            raise Violation(f"Partition {number} of '{stage.name}' is committed to {partition.committed} only.")

    def _reason(self, stage: StagePlan, one: Assignment, number: int, key: Key, group: Group) -> str:
        offsets = sorted(delivery.offset for delivery in group.deliveries())
        question, path = group.ancestry.question, group.ancestry.path
        told, before = self._told(stage, number, group), one.resumed
        if told and all(offset < before.known and offset not in before.unfinished for offset in told):
            return "forgotten"
        if told or question in self.failed:
            raise Violation(f"Partition {number} of '{stage.name}' still holds {key} of a question that has failed.")
        if self._complete_before(stage, number, key, offsets[0]):
            return "repeated"
        if any(step.attempt < self._latest[question, path[:level]] for level, step in enumerate(path)):
            return "replaced"
        raise Violation(
            f"Stage '{stage.name}' still holds a scope in part: {key} has offsets {offsets} of partition {number}, "
            f"taken over {one.attempt} times, and waits for {group.missing()}."
        )

    def _told(self, stage: StagePlan, number: int, group: Group) -> list[int]:
        """The offsets at which a partition says that nobody needs what descends from here."""
        found = []
        for offset in range(len(self.memory.topics[stage.name][number].log)):
            record = self.memory.read(stage.name, number, offset)
            if record.kind is Kind.ENDED and record.ends(group.ancestry, group.epoch):
                found.append(offset)
        return found

    def _complete_before(self, stage: StagePlan, number: int, key: Key, offset: int) -> bool:
        """Whether the records of a key that precede an offset make up a whole scope."""
        if stage.key_depth is None:
            return False
        logic = StageLogic(stage)
        for earlier in range(offset):
            record = self.memory.read(stage.name, number, earlier)
            if record.ancestry.key(stage.key_depth) == key:
                logic.receive(record, Delivery(number, earlier), 1, 0)
        return number in logic.tables and key in logic.tables[number].closed
