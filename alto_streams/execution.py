"""One instance of a stage, without Kafka, clock or threads: records in, effects out.

A runtime calls `receive` for every record, runs the function of every `Start`, passes what it yields to `Run.emit`, and
calls `Run.finish` at its end. `Run.after` says what follows from an error: the run once more, or a failure, which goes
to `failed`. Time is an argument, in milliseconds since the Unix epoch.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from alto_streams.ancestry import Ancestry, Attempt, constraint
from alto_streams.cutting import Line, LineCutter, Word
from alto_streams.effects import Acknowledge, Cancel, DeadLetter, Delivery, Effect, Publish, Send, Start, Tell
from alto_streams.endings import Endings
from alto_streams.errors import EngineError, InvalidInput
from alto_streams.failure import Failure, kind_of
from alto_streams.groups import Group, GroupTable
from alto_streams.operators import NOTHING
from alto_streams.pairing import Pairing
from alto_streams.places import in_place
from alto_streams.plan import COORDINATOR, PAIR, Cut, StagePlan, Target
from alto_streams.quanta import Nested
from alto_streams.record import Kind, Record
from alto_streams.scopes import EMPTY

TRIES = 4  # of one run, within one delivery
PARTITION_BITS = 10


def attempt_of(generation: int, delivery: Delivery, retry: int = 0) -> Attempt:
    """Distinct for each run of one generation, and greater for each later generation of the input's partition."""
    return Attempt(generation, (delivery.offset << PARTITION_BITS | delivery.partition) * TRIES + retry)


def _depth(piece: Any) -> int:
    """1 for an item, 2 for a part of one, and so on."""
    if isinstance(piece, Word | Line):
        return 1 + isinstance(piece, Word)
    return len(piece.path)


def _cutter(stage: StagePlan) -> LineCutter | Nested | None:
    if stage.cut is None:
        return None
    finer = [part.cut.quantum for part in stage.parts]
    placed = stage.placed or any(part.cut.placed for part in stage.parts)
    if stage.cut == "line" and finer in ([], ["word"]) and not placed:
        return LineCutter()  # as Nested would, but for the places, in a third of the time
    return Nested(stage.cut, *finer)


class Run:
    """One call of a stage's function, and what it has emitted so far."""

    def __init__(
        self,
        stage: StagePlan,
        inputs: list[Any],
        record: Record,
        ancestry: Ancestry,
        attempt: Attempt,
        held: list[Delivery],
    ) -> None:
        self.stage, self.inputs, self.record, self.ancestry = stage, inputs, record, ancestry
        self.attempt, self.held = attempt, held
        self.items = 0
        self._open: list[Ancestry] = []  # the item that is being cut, and the last part of it at each level
        self._cutter = _cutter(stage)

    @property
    def item_id(self) -> str:
        """Of what it reads, for people."""
        return self.ancestry.item_id

    def retried(self) -> Run | None:
        """The same run once more under a later attempt, or None when its tries are used up."""
        generation, run = self.attempt
        if run % TRIES == TRIES - 1:
            return None
        return Run(self.stage, self.inputs, self.record, self.ancestry, Attempt(generation, run + 1), self.held)

    def after(self, error: Exception) -> Run | Failure:
        """What follows from an error of the function: the run once more, or the failure that ends its question.

        Only an engine is asked again: whatever else went wrong would go wrong again.
        """
        again = self.retried() if isinstance(error, EngineError) else None
        return again or Failure(self.stage.name, kind_of(error), f"{type(error).__name__}: {error}")

    def emit(self, value: Any) -> list[Effect]:
        """What follows from one value that the function yielded or returned."""
        if self.stage.kind == "filter":
            value = self.inputs[0] if value else None
        if self.stage.opens is None:
            return self._item(self.ancestry, value)
        if self._cutter is not None:
            return self._pieces([*self._cutter.feed(value)])
        effects = self._item(self.ancestry.child(self.items, self.attempt), value)
        self.items += 1
        return effects

    def finish(self) -> list[Effect]:
        """What follows from the end of the function: the count of the scope that it opened."""
        effects: list[Effect] = []
        if self._cutter is not None:
            effects += self._pieces([*self._cutter.end()])
        if self.stage.opens is not None:
            effects += self._count(self.stage.item_counts, self.ancestry, self.items)
        return effects

    def _pieces(self, pieces: list[Any]) -> list[Effect]:
        """A word goes out while its line is still being written; the line at its end, with the count of its words."""
        effects: list[Effect] = []
        counted = False
        for piece, following in zip_longest(pieces, pieces[1:]):
            last = following is not None and _depth(following) < _depth(piece) and self._may_count(_depth(piece))
            effects += self._piece(piece, last, counted)
            counted = last
        return effects

    def _may_count(self, depth: int) -> bool:
        """Whether the last of the parts at this depth may say how many there are: who reads them also closes them."""
        part = self.stage.parts[depth - 2] if 1 < depth <= 1 + len(self.stage.parts) else None
        return part is not None and bool(part.readers) and part.readers == part.counts

    def _piece(self, piece: Any, last: bool, counted: bool) -> list[Effect]:
        if isinstance(piece, Word):
            return self._cut((self.items, piece.index), piece.text, 0, last, counted)
        if isinstance(piece, Line):
            return self._cut((self.items,), piece.text, piece.words, last, counted)
        return self._cut(piece.path, piece.piece, piece.parts, last, counted)

    def _cut(self, path: tuple[int, ...], text: str, parts: int, last: bool, counted: bool) -> list[Effect]:
        """An item, or a part of the open one as deep as `path` is long; `parts` is how many it has itself.

        The `last` of its scope says so. Where the last of its own parts has, they are `counted`.
        """
        stage, depth, ancestry = self.stage, len(path), self.ancestry
        if depth > 1 + len(stage.parts):
            return []  # words that nobody reads
        for level, index in enumerate(path):  # siblings share their parent, and what it keeps
            if level == len(self._open) or self._open[level].position != index:
                self._open[level:] = [ancestry.child(index, self.attempt)]
            ancestry = self._open[level]
        if depth == 1:
            self.items += 1
            value = in_place(stage.item_type, text) if stage.placed else stage.item_type(text=text)
            effects = self._item(ancestry, value)
        else:
            part = stage.parts[depth - 2]
            value = _encode_part(part.cut, text) if part.readers else b""
            effects = self._to(part.readers, Kind.LAST if last else Kind.ITEM, ancestry, value)
        if depth <= len(stage.parts) and not counted:
            effects += self._count(stage.parts[depth - 1].counts, ancestry, parts)
        return effects

    def _item(self, ancestry: Ancestry, value: Any) -> list[Effect]:
        if value is None:
            return self._to(self.stage.items, Kind.EMPTY, ancestry, b"")
        data = encode(value)
        effects: list[Effect] = []
        if self.stage.output is not None:
            effects.append(Publish("output", self.stage.output, ancestry.question, ancestry.item_id, data))
        for type in self.stage.published:
            effects.append(Publish("progress", type, ancestry.question, ancestry.item_id, data))
        return effects + self._to(self.stage.items, Kind.ITEM, ancestry, data)

    def _to(self, targets: list[Target], kind: Kind, ancestry: Ancestry, value: bytes) -> list[Effect]:
        return [
            Send(
                target.stage,
                Record(kind, target.port, ancestry, self.record.epoch, self.record.deadline, value),
                None if target.key_depth is None else constraint(ancestry, target.key_depth),
            )
            for target in targets
        ]

    def _count(self, targets: list[Target], ancestry: Ancestry, count: int) -> list[Effect]:
        return [
            Send(
                target.stage,
                Record(
                    Kind.COUNT,
                    target.port,
                    ancestry,
                    self.record.epoch,
                    self.record.deadline,
                    b"",
                    count,
                    self.attempt,
                ),
                None if target.key_depth is None else constraint(ancestry, target.key_depth),
            )
            for target in targets
        ]


class StageLogic:
    """The decisions of one instance of a stage."""

    def __init__(self, stage: StagePlan) -> None:
        self.stage = stage
        self.tables: dict[int, GroupTable] = {}
        self.endings = Endings()  # of the instance, not of a partition: an end holds wherever it was heard of

    def revoke(self, partitions: set[int]) -> None:
        """Forgets the partitions: their records come again, to whoever owns them next."""
        for partition in partitions:
            self.tables.pop(partition, None)

    def receive(self, record: Record, delivery: Delivery, generation: int, now: int) -> list[Effect]:
        """What follows from one record. Raises nothing: a record that cannot be read fails its question."""
        if record.deadline < now:
            return [Acknowledge((delivery,))]
        if record.kind is Kind.ENDED:
            return self._end(record, delivery)
        if self.endings and self.endings.cover(record.ancestry, record.epoch):
            return [Acknowledge((delivery,))]
        released: list[Delivery] = []
        group: Group | None = None
        try:
            value = self._decode(record)
            if self.stage.key_depth is None:
                attempt = attempt_of(generation, delivery)
                run = Run(self.stage, [value], record, record.ancestry, attempt, [delivery])
                return self._begin(run)
            group = self._table(delivery.partition).receive(record, value, delivery, released)
            effects: list[Effect] = [Acknowledge(tuple(released))] if released else []
            if group is not None:
                return effects + self._gather(group, record, attempt_of(generation, delivery))
            shows = self.stage.early and record.valued
            return effects + self._show_early(record, delivery.partition) if shows else effects
        except Exception as error:
            held = group.deliveries() if group else [delivery]
            return self._refuse(record, (*released, *held), error)

    def expire(self, now: int) -> list[Effect]:
        """Lets go of the groups whose deadline has passed; the coordinator ends their questions."""
        self.endings.forget(now)
        late = [d for table in self.tables.values() for _, group in table.expired(now) for d in group.deliveries()]
        return [Acknowledge(tuple(late))] if late else []

    def failed(self, run: Run, failure: Failure) -> list[Effect]:
        """What follows when a run cannot succeed: its question ends, its input is kept for people to look at."""
        return [
            _fail(run.record, failure),
            DeadLetter(run.record, failure.stage, failure.kind, failure.message),
            Acknowledge(tuple(run.held)),
        ]

    def _end(self, record: Record, delivery: Delivery) -> list[Effect]:
        """Lets go of what has ended. The record itself is acknowledged last: lost half-way, it comes again."""
        self.endings.add(record)
        dropped = [d for table in self.tables.values() for d in table.drop(record)]
        return [Cancel(record), Acknowledge((*dropped, delivery))]

    def _table(self, partition: int) -> GroupTable:
        table = self.tables.get(partition)
        if table is None:
            assert self.stage.key_depth is not None
            table = self.tables[partition] = GroupTable(self.stage.ports, self.stage.key_depth)
        return table

    def _decode(self, record: Record) -> Any:
        if record.port >= len(self.stage.ports):
            raise InvalidInput(
                "unknown_port",
                f"Stage '{self.stage.name}' has no input port {record.port}: it has {len(self.stage.ports)}.",
                "run one version of the pipeline on all stages",
            )
        if record.kind is Kind.EMPTY:
            return EMPTY
        if self.stage.kind == PAIR:
            return record.value
        return decode(self.stage.ports[record.port].type, record.value) if record.valued else None

    def _gather(self, group: Group, record: Record, attempt: Attempt) -> list[Effect]:
        ancestry = record.ancestry.cut(self.stage.key_depth or 0)
        if self.stage.kind == PAIR:
            return [*Pairing(self.stage, group, ancestry).sends(), Acknowledge(tuple(group.deliveries()))]
        run = Run(self.stage, group.inputs(), record, ancestry, attempt, group.deliveries())
        return [*(self._call_off(group) if group.decided_early else ()), *self._begin(run)]

    def _show_early(self, record: Record, partition: int) -> list[Effect]:
        """What the group of a record comes to so far, where that has changed."""
        depth = self.stage.key_depth or 0
        group = self.tables[partition].groups.get(record.ancestry.key(depth))
        if group is None or group.version != record.ancestry.version(depth):
            return []
        found = group.early()
        if found is NOTHING or found is None or (shown := encode(found)) == group.shown:
            return []
        group.shown = shown
        question, item = group.ancestry.question, group.ancestry.item_id
        return [Publish("progress", type, question, item, shown, final=False) for type in self.stage.early]

    def _call_off(self, group: Group) -> list[Effect]:
        """Tells the stages that work for this group alone that it is closed, though more was to come.

        Not before it is closed. While it waits at another port, a later attempt may still replace what decided it, and
        must then come whole. Afterwards the first decision stands, also where it rests on an item of a run that was cut
        short, and that the run after it does not write again: the key is closed to later attempts of the levels below
        it. A crash in between changes nothing: all that the group holds comes again, in the same order, and decides
        the same. A later attempt of the key's own levels is another group; it is not told to end.
        """
        ended = Record(Kind.ENDED, 0, group.ancestry, group.epoch, group.deadline)
        return [Tell(stage, ended) for stage in self.stage.feeders]

    def _begin(self, run: Run) -> list[Effect]:
        if any(value is EMPTY for value in run.inputs):
            dropped = run.emit(None) if self.stage.opens is None else []
            return [*dropped, *run.finish(), Acknowledge(tuple(run.held))]
        if self.stage.kind == "aggregate":
            return [*run.emit(run.inputs[0]), Acknowledge(tuple(run.held))]
        return [Start(run)]

    def _refuse(self, record: Record, deliveries: tuple[Delivery, ...], error: Exception) -> list[Effect]:
        kind = error.kind if isinstance(error, InvalidInput) else "invalid_record"
        failure = Failure(self.stage.name, kind, f"{type(error).__name__}: {error}")
        return [
            _fail(record, failure),
            DeadLetter(record, failure.stage, failure.kind, failure.message),
            Acknowledge(deliveries),
        ]


def _fail(record: Record, failure: Failure) -> Send:
    question = record.ancestry.cut(0)
    told = Record(Kind.FAILURE, 0, question, record.epoch, record.deadline, failure.encode())
    return Send(COORDINATOR, told, constraint(question, 0))


def _encode_part(cut: Cut, text: str) -> bytes:
    return encode(in_place(cut.type, text) if cut.placed else cut.type(text=text))


def encode(value: Any) -> bytes:
    """A Protobuf message, or bytes, as bytes."""
    data: bytes = value if isinstance(value, bytes) else value.SerializeToString()
    return data


def decode(type: Any, data: bytes) -> Any:
    """The message; bytes where the stage names no type. Raises InvalidInput where it does not parse."""
    if type is None or type is bytes:
        return data
    try:
        return type.FromString(data)
    except Exception as error:
        raise InvalidInput("invalid_value", f"The value is no valid {type.__name__}: {error}.") from error
