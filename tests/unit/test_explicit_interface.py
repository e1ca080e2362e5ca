"""The explicit interface: what is refused, and when a set is read, written, replaced and acknowledged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alto_streams.ancestry import Ancestry, Attempt
from alto_streams.context import Context
from alto_streams.deployment import pipeline_yaml
from alto_streams.describe import describe, mermaid
from alto_streams.effects import Acknowledge, DeadLetter, Delivery, Effect, Send, Start, Stop, Wake
from alto_streams.errors import InvalidInput, PipelineError
from alto_streams.explicit import ExplicitPipeline, Read, Write
from alto_streams.explicit.envelope import Envelope, pack, unpack
from alto_streams.explicit.execution import ExplicitLogic, ExplicitRun, stage_logic
from alto_streams.explicit.lineage import Link
from alto_streams.explicit.plan import ExplicitStage
from alto_streams.record import HEADER, Kind, Record, encode_header
from alto_streams.runtime.instance import Instance, now_ms
from alto_streams.testing import run
from schemas.claim_pb2 import Claim
from schemas.question_pb2 import Question
from tests.unit.outboxes import Outbox


def conclude(question: str, items: Sequence[Claim], failure: object) -> bytes:
    return json.dumps([item.text for item in items] if failure is None else {"failure": failure}).encode()


async def split(read: Read[Question], write: Write, ctx: Context) -> None:
    async for question in read:
        words = question.value.text.split()
        for index, word in enumerate(words):
            await write("words", Claim(text=word), index, [ctx.question_id])
            await write("word", Claim(text=word), index)
        await write("count", b"%d" % len(words), "count", [ctx.question_id])


async def gather(read: Read[Claim | bytes], write: Write, ctx: Context) -> None:
    words, count = dict[int, str](), None
    async for message in read:
        if message.queue == "count":
            count = int(message.value)  # type: ignore[arg-type]
        else:
            words[int(message.id)] = message.value.text  # type: ignore[union-attr]
        if len(words) == count:
            break
    await write("outcome", Claim(text=" ".join(words[i] for i in sorted(words))), "outcome", read.ids)


def declared(
    first: Any = split, last: Any = gather, change: Callable[[ExplicitPipeline], object] | None = None
) -> ExplicitPipeline:
    p = ExplicitPipeline("p", source=Question, outcome=Claim, conclude=conclude)
    p.queue("words", Claim, key=("question",))
    p.queue("count", bytes, key=("question",))
    p.progress_queue("word", Claim)
    p.stage(first, name="split", reads="questions", writes=("words", "count", "word"))
    p.stage(last, name="gather", reads=("words", "count"), writes="outcome")
    if change is not None:
        change(p)
    return p


def outcome_of(p: ExplicitPipeline, text: str = "a b c") -> Any:
    return json.loads(run(p, {"q": Question(text=text)}).outcomes["q"])


def test_what_is_written_is_read_by_whoever_it_is_for() -> None:
    found = run(declared(), {"q": Question(text="a b c"), "r": Question(text="")})
    assert {q: json.loads(outcome) for q, outcome in found.outcomes.items()} == {"q": ["a b c"], "r": [""]}
    assert [(item.type, item.id.split("-")[0], item.value.text) for item in found.progress["q"]] == [
        ("word", "0", "a"),
        ("word", "1", "b"),
        ("word", "2", "c"),
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.queue("words", Claim), "'words' cannot name another queue"),
        (lambda p: p.queue("other", int), "Queue 'other' takes int, which is no message"),
        (lambda p: p.queue("x y", Claim), "'x y' cannot name another queue"),
        (lambda p: p.queue("other", Claim, key=("claim",)), "begins with 'claim', but a set belongs to one question"),
        (lambda p: p.queue("other", Claim), "Nobody reads queue 'other'"),
        (lambda p: p.progress_queue("other", Claim), "Nobody writes queue 'other'"),
        (
            lambda p: p.stage(gather, name="again", reads="words", writes=()),
            "Stages 'gather' and 'again' both read 'words'",
        ),
        (lambda p: p.stage(gather, name="gather", reads="words", writes=()), "'gather' cannot name another stage"),
        (lambda p: p.stage(gather, name="again", reads="nowhere", writes=()), "reads 'nowhere', which is no queue"),
        (
            lambda p: p.stage(gather, name="again", reads="words", writes="nowhere"),
            "writes 'nowhere', which is no queue",
        ),
        (lambda p: p.stage(gather, name="again", reads=(), writes="words"), "reads no queue"),
        (lambda p: p.stage(gather, name="again", reads="word", writes=()), "reads 'word', which leaves the pipeline"),
        (lambda p: p.stage(lambda read, write: None, name="x", reads="words", writes=()), "'x' cannot be called"),
        (
            lambda p: p.stage(gather, name="x", reads="words", writes=(), uses="gpu"),
            "uses pool 'gpu', which does not exist",
        ),
        (
            lambda p: p.source.map(lambda question, ctx: question, name="x"),
            "is a step of a graph, but 'p' is an explicit pipeline",
        ),
        (lambda p: p.output(p.source, "x", conclude=conclude), "Pipeline 'p' has queues"),
        (lambda p: p.publish(p.source, "x"), "Pipeline 'p' has queues"),
    ],
)
def test_what_does_not_fit_together_is_refused(change: Callable[[ExplicitPipeline], object], message: str) -> None:
    with pytest.raises(PipelineError) as caught:
        _ = declared(change=change).plan
    assert message in caught.value.message
    assert caught.value.mend


def test_queues_of_different_keys_are_not_read_together() -> None:
    p = ExplicitPipeline("p", source=Question, outcome=Claim, conclude=conclude)
    p.queue("a", Claim, key=("question", "claim"))
    p.stage(split, reads="questions", writes="a")
    p.queue("b", Claim)
    p.stage(gather, reads=("a", "b"), writes=("outcome", "b"))
    with pytest.raises(PipelineError, match="different keys: none, \\[question, claim\\]"):
        _ = p.plan


def test_a_conclusion_that_cannot_tell_of_a_failure_is_refused() -> None:
    p = declared()
    p.conclude = lambda question, items, failure: items[0]
    with pytest.raises(PipelineError, match="cannot say that a question failed"):
        _ = p.plan


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (("nowhere", Claim(), 0, ()), "writes to 'nowhere', which is not among its queues"),
        (("outcome", Claim(), 0, ["q"]), "writes to 'outcome', which is not among its queues"),
        (("words", Question(), 0, ["q"]), "writes Question to 'words', which takes Claim"),
        (("words", Claim(), 0, ()), "writes to 'words' with the constraint []"),
        (("words", Claim(), 0, ["other"]), "writes to 'words' with the constraint ['other']"),
        (("words", Claim(), 0, ["q", "0"]), "writes to 'words' with the constraint ['q', '0']"),
        (("word", Claim(), 0, ["q"]), "writes to 'word' with the constraint ['q']"),
        (("words", Claim(), "", ["q"]), "under the id ''"),
        (("words", Claim(), "a\0b", ["q"]), "under the id 'a\\x00b'"),
    ],
)
def test_a_wrong_write_fails_the_question_and_says_why(write: tuple[Any, ...], message: str) -> None:
    async def wrong(read: Read[Question], send: Write, ctx: Context) -> None:
        await send(*write)

    stage, kind, said = outcome_of(declared(wrong))["failure"]
    assert (stage, kind) == ("split", "invalid_write")
    assert message in said
    assert "Mend: " in said


def test_an_id_is_written_once() -> None:
    async def twice(read: Read[Question], write: Write, ctx: Context) -> None:
        for _ in range(2):
            await write("word", Claim(), "w")

    assert "writes 'w' to 'word' twice" in outcome_of(declared(twice))["failure"][2]


def test_an_envelope_is_read_as_it_was_written() -> None:
    lineage = (Link("a", ("questions",), Attempt(1, 2**70), "é\n"), Link("b", ("é\n", "1"), Attempt(3, 4), "x"))
    envelope, value = Envelope(lineage, ("1", "2")), b"\n\0value\n"
    assert unpack(pack(envelope, value)) == (envelope, value)
    for broken in (b"", b"{}\nx", b"[[1],[]]\nx", b"\xff\n"):
        with pytest.raises(InvalidInput):
            unpack(broken)


# One stage, one record at a time.


def word(index: int, run: int = 1, text: str = "") -> Record:
    """The word at `index` that a run of `split` wrote."""
    lineage = (Link("split", ("questions",), Attempt(1, run), str(index)),)
    value = Claim(text=text or f"w{index}").SerializeToString()
    return Record(Kind.ITEM, 0, Ancestry("q"), 1, now_ms() + 60_000, pack(Envelope(lineage, ()), value))


def count(number: int, run: int = 1) -> Record:
    lineage = (Link("split", ("questions",), Attempt(1, run), "count"),)
    return Record(Kind.ITEM, 1, Ancestry("q"), 1, now_ms() + 60_000, pack(Envelope(lineage, ()), b"%d" % number))


class Logic:
    """The core of the stage `gather`, fed by hand."""

    def __init__(self) -> None:
        found = stage_logic(declared().plan.stage("gather"))
        assert isinstance(found, ExplicitLogic)
        self.logic, self.offset = found, -1

    def receive(self, record: Record) -> list[Effect]:
        self.offset += 1
        return self.logic.receive(record, Delivery(0, self.offset), 1, 0)


def started(effects: list[Effect]) -> ExplicitRun:
    (run,) = [effect.run for effect in effects if isinstance(effect, Start)]
    assert isinstance(run, ExplicitRun)
    return run


def rest(run: ExplicitRun) -> list[str]:
    found = []
    while not run.starved:
        message = run.next()
        found.append(message.value.text if message.queue == "words" else message.value.decode())
    return found


def test_a_set_starts_one_function_and_wakes_it() -> None:
    core = Logic()
    run = started(core.receive(word(0)))
    assert rest(run) == ["w0"]
    assert core.receive(word(1)) == [Wake(run.found)]
    assert core.receive(word(1)) == [Acknowledge((Delivery(0, 2),))]  # a copy
    assert rest(run) == ["w1"]


def test_a_later_attempt_begins_the_set_anew_and_an_earlier_one_is_dropped() -> None:
    core = Logic()
    run = started(core.receive(word(0, text="old")))
    core.receive(word(1, text="old"))
    effects = core.receive(word(0, 2, text="new"))
    assert effects[:2] == [Acknowledge((Delivery(0, 0), Delivery(0, 1))), Stop(run.found)]
    again = started(effects)
    assert again.attempt > run.attempt
    assert core.receive(count(2)) == [Acknowledge((Delivery(0, 3),))]
    core.receive(count(1, 2))
    assert rest(again) == ["new", "1"]


def test_what_a_set_writes_leaves_when_the_set_is_complete() -> None:
    run = started(Logic().receive(word(0)))
    assert run.written("outcome", Claim(text="early"), "0", ("q",)) == []
    (sent,) = run.finish()
    assert isinstance(sent, Send)
    assert (sent.stage, sent.constraint, Claim.FromString(sent.record.value).text) == ("coordinator", b"q", "early")


def test_a_set_that_says_that_it_is_complete_writes_at_once_and_takes_nothing_more() -> None:
    core = Logic()
    run = started(core.receive(word(0)))
    Read[Any](run, asyncio.Event().wait).complete()  # type: ignore[arg-type]
    assert len(run.written("outcome", Claim(), "0", ("q",))) == 1
    assert core.receive(word(1)) == [Acknowledge((Delivery(0, 1),))]
    assert not started(core.receive(word(0, 2))).over  # unless an ancestor has been made anew


def test_a_set_past_its_deadline_is_let_go() -> None:
    core = Logic()
    run = started(core.receive(word(0)))
    assert core.logic.expire(run.record.deadline) == []
    assert core.logic.expire(run.record.deadline + 1) == [Stop(run.found), Acknowledge((Delivery(0, 0),))]
    assert not core.logic.tables[0].groups


def test_closed_sets_are_forgotten_after_their_deadline() -> None:
    core = Logic()
    run = started(core.receive(word(0)))
    run.finish()
    assert core.logic.tables[0].closed
    core.logic.expire(run.record.deadline + 1)
    assert not core.logic.tables[0].closed


@pytest.mark.parametrize("value", [b"no envelope", pack(Envelope((), ("1",)), b"")])
def test_a_record_that_is_none_of_ours_fails_its_question(value: bytes) -> None:
    record = Record(Kind.ITEM, 0, Ancestry("q"), 1, now_ms() + 60_000, value)
    told, letter, done = Logic().receive(record)
    assert isinstance(told, Send)
    assert told.record.kind is Kind.FAILURE
    assert isinstance(letter, DeadLetter)
    assert letter.kind == "broken_envelope"
    assert done == Acknowledge((Delivery(0, 0),))


# The same in an event loop, where a function waits for records and Kafka for nobody.


class Rig:
    def __init__(self, last: Any = gather) -> None:
        self.outbox, self.acknowledged, self.fatal = Outbox(), list[int](), list[BaseException]()
        logic = stage_logic(declared(last=last).plan.stage("gather"))
        self.instance = Instance(logic, self.outbox, None, self._fatal)  # type: ignore[arg-type]

    async def _fatal(self, error: BaseException) -> None:
        self.fatal.append(error)

    async def receive(self, offset: int, record: Record) -> None:
        message = SimpleNamespace(
            partition=0, offset=offset, key=b"", value=record.value, generation_id=1,
            headers=[(HEADER, encode_header(record))],
        )  # fmt: skip
        await self.instance.receive(SimpleNamespace(message=message, ack=lambda: self.acknowledged.append(offset)))
        await settle()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_set_is_acknowledged_when_what_follows_from_it_is_delivered() -> None:
    rig = Rig()
    for offset, record in enumerate((word(1), count(2), word(0))):
        assert rig.outbox.taken == []
        await rig.receive(offset, record)
    (sent,) = rig.outbox.taken
    assert isinstance(sent, Send)
    assert Claim.FromString(sent.record.value).text == "w0 w1"
    assert rig.acknowledged == []
    rig.outbox.deliver()
    await settle()
    assert sorted(rig.acknowledged) == [0, 1, 2]
    assert not rig.fatal


async def test_sets_wait_for_their_rest_side_by_side_and_a_replaced_one_is_cancelled() -> None:
    cancelled = []

    async def waiting(read: Read[Any], write: Write, ctx: Context) -> None:
        try:
            await gather(read, write, ctx)
        except asyncio.CancelledError:
            cancelled.append(ctx.attempt)
            raise

    rig = Rig(waiting)
    await rig.receive(0, word(0))
    await rig.receive(1, word(0, 2, "new"))
    assert len(cancelled) == 1
    assert rig.acknowledged == [0]
    await rig.receive(2, count(1, 2))
    (sent,) = rig.outbox.taken
    assert isinstance(sent, Send)
    assert Claim.FromString(sent.record.value).text == "new"


async def test_a_partition_that_is_taken_away_ends_its_functions_and_acknowledges_nothing() -> None:
    rig = Rig()
    await rig.receive(0, word(0))
    await rig.instance.revoke({0})
    await settle()
    assert not rig.acknowledged
    await rig.receive(0, word(0))  # it comes again, to the same instance
    await rig.receive(1, count(1))
    assert len(rig.outbox.taken) == 1


def test_the_page_shows_the_queues_that_there_are() -> None:
    from examples.explicit_factool import pipeline as by_hand

    page = (Path(__file__).parents[2] / "docs/explicit.md").read_text()
    rows = {tuple(cell.strip(" `") for cell in row.split("|")[1:5]) for row in page.splitlines() if row[:3] == "| `"}
    stages = by_hand.plan.stages
    reader = {port.stream.replace("source", "questions"): stage.name for stage in stages for port in stage.ports}
    writer = {name: stage.name for stage in stages if isinstance(stage, ExplicitStage) for name in stage.outlets}
    queues = [queue for queue in by_hand.queues.values() if queue.channel is None]
    reader["questions"] = "answer"
    assert rows == {(q.name, writer.get(q.name, ""), reader[q.name], ", ".join(q.key)) for q in queues}


def test_an_explicit_pipeline_is_drawn_by_its_queues() -> None:
    p = declared()
    drawn = mermaid(p)
    assert "split ==>|words| gather" in drawn
    assert "outcomes([results and outcomes])" in drawn
    assert "gather ==>|outcome| coordinator" in drawn
    assert [stage.key for stage in describe(p)] == ["", "question", "question"]
    assert describe(p)[0].emits == "Claim to words, bytes to count, Claim to word"
    with pytest.raises(PipelineError, match="in no pipeline"):
        pipeline_yaml(p)
