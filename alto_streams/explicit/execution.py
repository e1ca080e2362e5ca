"""One instance of an explicit stage, without Kafka, clock or threads: the counterpart of `execution`.

The function of a run is called at the first record of its set, and reads on as records arrive: `Wake` says that there
is more, `Stop` that a later attempt has replaced some of what it read, so that it begins anew with the rest.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

from alto_streams.ancestry import Attempt
from alto_streams.effects import Acknowledge, Delivery, Effect, Publish, Send, Start, Stop, Wake
from alto_streams.errors import InvalidInput
from alto_streams.execution import TRIES, Run, StageLogic, attempt_of, decode, encode
from alto_streams.explicit.envelope import Envelope, pack, unpack
from alto_streams.explicit.handles import Message, Put, Read, Wait, Write
from alto_streams.explicit.lineage import Lineage, Link, ancestor, item_id
from alto_streams.explicit.plan import OUTCOME, QUESTIONS, ExplicitStage, Outlet
from alto_streams.explicit.sets import Member, RecordSet, SetTable
from alto_streams.failure import Failure
from alto_streams.plan import StagePlan
from alto_streams.record import Kind, Record

MAX_ID_CHARS = 256


class Written(NamedTuple):
    """A write that has been checked."""

    outlet: Outlet
    id: str
    ids: tuple[str, ...]
    value: bytes


class ExplicitRun(Run):
    """One call of the function of an explicit stage, for one set. `table` is None in a stage without a key."""

    stage: ExplicitStage

    def __init__(self, stage: ExplicitStage, found: RecordSet, table: SetTable | None, attempt: Attempt) -> None:
        super().__init__(stage, [], found.record, found.record.ancestry, attempt, found.held)
        self.found, self._table = found, table
        self._read = 0
        self._waiting: list[Written] = []
        self._names: set[tuple[str, str]] = set()
        self._complete = table is None

    def lend(self, put: Put, wait: Wait) -> None:
        """Gives the function its handles: how to carry effects out, and how to wait for the next `Wake`."""
        self.inputs = [Read(self, wait), Write(self, put)]

    def retried(self) -> ExplicitRun | None:
        generation, run = self.attempt
        if run % TRIES == TRIES - 1:
            return None
        return ExplicitRun(self.stage, self.found, self._table, Attempt(generation, run + 1))

    @property
    def item_id(self) -> str:
        if self._table is None:
            return item_id(self._lineage)
        first = next(iter(self.found.members.values()))
        return item_id(ancestor(first.lineage, self.ids[1:])) or "".join(self.ids[1:][-1:])

    @property
    def ids(self) -> tuple[str, ...]:
        return self.found.key if self.stage.stateful else ()

    @property
    def starved(self) -> bool:
        """Whether the function has read all that there is."""
        return self._read == len(self.found.messages)

    @property
    def over(self) -> bool:
        """Whether that is all that will be."""
        return self._complete

    def next(self) -> Message[Any]:
        self._read += 1
        return self.found.messages[self._read - 1]

    def complete(self) -> None:
        if self._table is not None:
            self._table.close(self.found)
        self._complete = True

    def emit(self, value: Any) -> list[Effect]:
        """What the function returns means nothing: it writes."""
        return []

    def finish(self) -> list[Effect]:
        self.complete()
        return self._leave()

    def written(self, queue: str, obj: Any, id: str, constraints: tuple[str, ...]) -> list[Effect]:
        """What follows from one write. Raises InvalidInput where the pipeline does not allow it."""
        outlet = self.stage.outlets.get(queue)
        if outlet is None:
            raise self._wrong(f"writes to '{queue}', which is not among its queues", f"declare it: writes=('{queue}',)")
        if not isinstance(obj, outlet.queue.type):
            said = f"{type(obj).__name__} to '{queue}', which takes {outlet.queue.type.__name__}"
            raise self._wrong(f"writes {said}", "write that type, or declare the queue for this one")
        if not id or len(id) > MAX_ID_CHARS or not id.isprintable():
            raise self._wrong(
                f"writes to '{queue}' under the id {id!r}", f"give 1 to {MAX_ID_CHARS} printable characters"
            )
        if (queue, id) in self._names:
            raise self._wrong(f"writes '{id}' to '{queue}' twice", "give each record of one call an id of its own")
        self._check(outlet, constraints)
        self._names.add((queue, id))
        self._waiting.append(Written(outlet, id, constraints[1:], encode(obj)))
        return self._leave() if self._complete else []

    def _check(self, outlet: Outlet, constraints: tuple[str, ...]) -> None:
        key, question = outlet.queue.key, self.record.ancestry.question
        if len(constraints) != len(key) or constraints[:1] != ((question,) if key else ()):
            wanted = f"[{', '.join(key)}]" if key else "none, since any instance may take its records"
            raise self._wrong(
                f"writes to '{outlet.queue.name}' with the constraint {list(constraints)}",
                f"give the ids that the queue's key names, the question's first: {wanted}",
            )
        if any(not id or "\0" in id for id in constraints):
            raise self._wrong(f"writes a constraint with the id {constraints!r}", "give ids of one character or more")

    def _wrong(self, what: str, mend: str) -> InvalidInput:
        return InvalidInput("invalid_write", f"Stage '{self.stage.name}' {what}.", mend)

    @cached_property
    def _lineage(self) -> Lineage:
        """Of what the function reads, once that is complete."""
        if self._table is not None:
            return self.found.lineage
        (member,) = self.found.members.values()
        return member.lineage

    def _leave(self) -> list[Effect]:
        """What has been written and has not left; not before the set is complete, for only then its lineage is sure."""
        above = self._lineage
        of = self.found.key[1:] if self._table is not None else (self.found.messages[0].queue,)
        link = Link(self.stage.name, of, self.attempt, "")
        effects = [self._sent(one, (*above, link._replace(id=one.id))) for one in self._waiting]
        self._waiting.clear()
        return effects

    def _sent(self, one: Written, lineage: Lineage) -> Effect:
        queue, first = one.outlet.queue, self.record
        question = first.ancestry.cut(0)
        if queue.channel is not None:
            return Publish(queue.channel, queue.name, question.question, item_id(lineage), one.value)
        # The coordinator reads values as the graph's stages send them.
        value = one.value if queue.name == OUTCOME else pack(Envelope(lineage, one.ids), one.value)
        record = Record(Kind.ITEM, one.outlet.port, question, first.epoch, first.deadline, value)
        constraint = "\0".join((question.question, *one.ids)).encode() if queue.key else None
        return Send(one.outlet.stage, record, constraint)


class ExplicitLogic(StageLogic):
    """The decisions of one instance of an explicit stage."""

    stage: ExplicitStage

    def __init__(self, stage: ExplicitStage) -> None:
        super().__init__(stage)
        self.tables: dict[int, SetTable] = {}  # type: ignore[assignment]

    def receive(self, record: Record, delivery: Delivery, generation: int, now: int) -> list[Effect]:
        if record.deadline < now:
            return [Acknowledge((delivery,))]
        if record.kind is Kind.ENDED:
            return self._end(record, delivery)
        if self.endings and self.endings.cover(record.ancestry, record.epoch):
            return [Acknowledge((delivery,))]
        released: list[Delivery] = []
        attempt = attempt_of(generation, delivery)
        try:
            member, key = self._member(record, delivery)
            if not self.stage.stateful:
                found = RecordSet(key, record)
                found.add(member)
                return [Start(ExplicitRun(self.stage, found, None, attempt))]
        except Exception as error:
            return self._refuse(record, (delivery,), error)
        table = self.tables.setdefault(delivery.partition, SetTable())
        taken = table.receive(key, record, member, released)
        effects: list[Effect] = [Acknowledge(tuple(released))] if released else []
        if taken is None:
            return effects
        found, before = taken
        if before is not None:
            effects.append(Stop(before))
        elif len(found.members) > 1:
            return [*effects, Wake(found)]
        return [*effects, Start(ExplicitRun(self.stage, found, table, attempt))]

    def expire(self, now: int) -> list[Effect]:
        self.endings.forget(now)
        late = [found for table in self.tables.values() for found in table.expired(now)]
        stops: list[Effect] = [Stop(found) for found in late]
        held = tuple(delivery for found in late for delivery in found.held)
        return [*stops, Acknowledge(held)] if held else []

    def failed(self, run: Run, failure: Failure) -> list[Effect]:
        if isinstance(run, ExplicitRun):
            run.complete()
        return super().failed(run, failure)

    def _member(self, record: Record, delivery: Delivery) -> tuple[Member, tuple[str, ...]]:
        """Raises InvalidInput where the record is not one of this stage's queues, or its value does not parse."""
        if record.port >= len(self.stage.ports) or record.kind is not Kind.ITEM:
            raise InvalidInput("unknown_port", f"Stage '{self.stage.name}' has no input port {record.port}.")
        port, question = self.stage.ports[record.port], record.ancestry.question
        if port.stream == "source":
            message = Message(QUESTIONS, question, decode(port.type, record.value))
            return Member(message, (), delivery), (question,)
        envelope, value = unpack(record.value)
        if len(envelope.ids) != (self.stage.key_depth or 0):
            raise InvalidInput("broken_envelope", f"Stage '{self.stage.name}' has another key than {envelope.ids}.")
        message = Message(port.stream, envelope.lineage[-1].id, decode(port.type, value))
        return Member(message, envelope.lineage, delivery), (question, *envelope.ids)


def stage_logic(stage: StagePlan) -> StageLogic:
    """Fresh decisions for one instance of a stage that is no coordinator."""
    return ExplicitLogic(stage) if isinstance(stage, ExplicitStage) else StageLogic(stage)
