"""Where a question enters and where it ends: admitted once, concluded once, with its items or with a failure.

Like `execution`, this is pure: records in, effects out. The coordinator's group of a question opens with the question
and closes when every scope under it is complete, when a stage reports a failure, or when the deadline passes. A
question that fails is called off: every stage is told to let go of it. Past a deadline each does so by its own clock.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from alto_streams.ancestry import Ancestry, constraint
from alto_streams.effects import Acknowledge, DeadLetter, Delivery, Effect, Publish, Send, Tell
from alto_streams.execution import decode, encode
from alto_streams.failure import Failure
from alto_streams.groups import Group, GroupTable
from alto_streams.plan import COORDINATOR, Plan
from alto_streams.record import Kind, Record
from alto_streams.scopes import EMPTY

REMEMBER_MS = 60_000  # beyond the deadline, so that records on their way out of time still find their question closed


# The ports of failures that come from the input topic: a question that cannot be admitted, and one that nobody wants.
REJECTION, CANCELLATION = 1, 2


class CoordinatorLogic:
    """The decisions of one coordinator instance; the counterpart of StageLogic."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.stage = plan, plan.stage(COORDINATOR)
        self.tables: dict[int, GroupTable] = {}
        self._told: dict[tuple[str, int], int] = {}  # questions called off, in which epoch, and their deadlines
        self._doubtful: dict[int, tuple[set[str], int]] = {}  # ended by an earlier owner, and until when that counts

    def revoke(self, partitions: set[int]) -> None:
        for partition in partitions:
            self.tables.pop(partition, None)
            self._doubtful.pop(partition, None)

    def remember(self, partition: int, questions: list[str], until: int) -> None:
        """Marks questions whose outcome is known to be out, after taking a partition over."""
        for question in questions:
            self._table(partition).close((question,), (), until)
        self._doubtful[partition] = set(questions), until

    def admit(self, question_id: str, value: Any, epoch: int, deadline: int) -> list[Effect]:
        """Sends a new question to the coordinator that will conclude it: whoever owns the question's constraint."""
        question = Ancestry(question_id)
        record = Record(Kind.ITEM, 0, question, epoch, deadline, encode(value))
        return [Send(COORDINATOR, record, constraint(question, 0))]

    def reject(self, question_id: str, failure: Failure, epoch: int, deadline: int) -> list[Effect]:
        """Sends the failure of a question that cannot be admitted to whoever would have concluded it."""
        question = Ancestry(question_id)
        record = Record(Kind.FAILURE, REJECTION, question, epoch, deadline, failure.encode())
        return [Send(COORDINATOR, record, constraint(question, 0))]

    def cancel(self, question_id: str, epoch: int, deadline: int) -> list[Effect]:
        """Tells the coordinator that will conclude a question that nobody waits for it. One that has ended stays so."""
        question = Ancestry(question_id)
        failure = Failure(COORDINATOR, "cancelled", "The question was cancelled by its asker.")
        record = Record(Kind.FAILURE, CANCELLATION, question, epoch, deadline, failure.encode())
        return [Send(COORDINATOR, record, constraint(question, 0))]

    def receive(self, record: Record, delivery: Delivery, generation: int, now: int) -> list[Effect]:
        """What follows from one record; raises nothing."""
        table, question = self._table(delivery.partition), record.ancestry.question
        asks = record.kind is Kind.ITEM and record.port == 0
        if (question,) in table.closed:
            fails = record.kind is Kind.FAILURE and record.port == 0
            in_vain = fails or (asks and self._is_doubtful(delivery.partition, question))
            return [*(self._call_off(record) if in_vain else ()), Acknowledge((delivery,))]
        if record.deadline < now and (question,) not in table.groups:
            # Only the question itself says that it is new; anything else comes late to one that has ended.
            late = _late("it was not admitted in time")
            return self._end(table, record, (delivery,), late) if asks else [Acknowledge((delivery,))]
        released: list[Delivery] = []
        try:
            if record.kind is Kind.FAILURE:
                if record.port == REJECTION and (question,) in table.groups:
                    return [Acknowledge((delivery,))]  # a bad question under the id of one in flight
                if record.port == CANCELLATION and (question,) not in table.groups:
                    return [Acknowledge((delivery,))]  # of a question that was never asked
                return self._end(table, record, (delivery,), Failure.decode(record.value))
            type = self.stage.ports[record.port].type
            value = decode(type, record.value) if record.kind is Kind.ITEM else EMPTY
            effects = self._hand_out(record) if asks and not self._has_question(table, question) else []
            group = table.receive(record, value, delivery, released)
            effects += [Acknowledge(tuple(released))] if released else []
            if group is None:
                return effects
            outcome = self._outcome(question, _items(group), None)
            return [*effects, outcome, Acknowledge(tuple(group.deliveries()))]
        except Exception as error:
            failure = Failure(COORDINATOR, "invalid_record", f"{error}")
            dead = DeadLetter(record, failure.stage, failure.kind, failure.message)
            return [dead, *self._end(table, record, (*released, delivery), failure)]

    def _has_question(self, table: GroupTable, question: str) -> bool:
        group = table.groups.get((question,))
        return group is not None and 0 in group.values

    def _hand_out(self, record: Record) -> list[Effect]:
        """Sends a question, the first time that it comes, to the stages that read the source."""
        return [
            Send(
                target.stage,
                replace(record, port=target.port),
                None if target.key_depth is None else constraint(record.ancestry, target.key_depth),
            )
            for target in self.plan.sources
            if target.stage != COORDINATOR
        ]

    def expire(self, now: int) -> list[Effect]:
        """Ends the questions whose deadline has passed."""
        self._told = {called_off: until for called_off, until in self._told.items() if until >= now}
        self._doubtful = {number: (found, until) for number, (found, until) in self._doubtful.items() if until >= now}
        effects: list[Effect] = []
        for table in self.tables.values():
            for key, group in table.expired(now):
                question = str(key[0])
                table.close(key, group.version, group.deadline)
                effects.append(self._outcome(question, _items(group), _late(f"still waiting for {group.missing()}")))
                effects.append(Acknowledge(tuple(group.deliveries())))
        return effects

    def _end(
        self, table: GroupTable, record: Record, deliveries: tuple[Delivery, ...], failure: Failure
    ) -> list[Effect]:
        key = record.ancestry.key(0)
        group = table.groups.get(key)
        if group is not None:  # what cancels it may have come in another epoch
            record = replace(record, epoch=group.epoch, deadline=group.deadline)
        table.close(key, (), record.deadline)
        held = group.deliveries() if group else []
        return [
            self._outcome(record.ancestry.question, _items(group) if group else [], failure),
            *(self._call_off(record) if group else ()),
            Acknowledge((*held, *deliveries)),
        ]

    def _is_doubtful(self, partition: int, question: str) -> bool:
        """True once where an earlier owner ended the question, but died before its end was acknowledged: perhaps also
        before the stages were told."""
        found, _ = self._doubtful.get(partition, (set[str](), 0))
        doubtful = question in found
        found.discard(question)
        return doubtful

    def _call_off(self, record: Record) -> list[Effect]:
        """Tells every stage, once, that nobody needs what it has of a question.

        Also where a failure comes after the end of a question that was complete: something still waits for what failed.
        """
        question = record.ancestry.cut(0)
        if (question.question, record.epoch) in self._told:
            return []
        self._told[question.question, record.epoch] = record.deadline
        ended = Record(Kind.ENDED, 0, question, record.epoch, record.deadline)
        return [Tell(stage.name, ended) for stage in self.plan.stages if stage is not self.stage]

    def _outcome(self, question: str, items: list[Any], failure: Failure | None) -> Publish:
        """A `conclude` that raises is asked once more, for a question that failed for this reason.

        One that raises again leaves an empty outcome: the question has ended, and the stack must go on.
        """
        value = b""
        for _ in range(2):
            try:
                value = encode(self.plan.conclude(question, items, failure))
                break
            except Exception as error:
                items = []
                failure = Failure(COORDINATOR, "stage_failed", f"conclude: {type(error).__name__}: {error}")
        return Publish("output", "outcome", question, "", value, failure)

    def _table(self, partition: int) -> GroupTable:
        if partition not in self.tables:
            self.tables[partition] = GroupTable(self.stage.ports, 0, REMEMBER_MS)
        return self.tables[partition]


def _items(group: Group) -> list[Any]:
    """What has come of the output: all of it, or, where the question ends early, what there is so far."""
    if 1 in group.trees:
        items: list[Any] = group.trees[1].result()
        return items
    value = group.values.get(1, EMPTY)  # of an output without a level: one, unless it was dropped
    return [] if value is EMPTY else [value]


def _late(what: str) -> Failure:
    return Failure(COORDINATOR, "deadline_exceeded", f"The question's deadline passed: {what}.")
