"""What goes wrong in a simulated cluster, and how it grows and shrinks: a function for each kind of fault.

Each returns what the trace says of it, or None where it is not possible.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from alto_streams.coordinator import CoordinatorLogic
from alto_streams.effects import Send, Tell
from alto_streams.errors import EngineError
from alto_streams.testing.worker import Worker

if TYPE_CHECKING:
    from alto_streams.testing.cluster import Cluster

MAX_INSTANCES = 5
MAX_PARTITIONS = 6
Owners = Mapping[int, tuple[bool, str]]  # by partition: whether the last commit of its owner succeeds, and who is next


def crash(cluster: Cluster, worker: Worker, argument: tuple[bool, Mapping[int, str]]) -> Any:
    """At times just after a commit: what that says is done must be done."""
    committed, takers = argument
    owned = owned_by(worker)
    for number in owned if committed else ():
        worker.commit(number)
    worker.crash()
    return [(number, cluster.take_over(worker.stage.name, number, takers.get(number))) for number in owned]


def move(cluster: Cluster, worker: Worker, argument: tuple[int, bool, str]) -> Any:
    number, committed, taker = argument
    if number not in owned_by(worker):
        return None
    _give_up(worker, number, committed)
    return number, cluster.take_over(worker.stage.name, number, taker, but=worker)


def stall(cluster: Cluster, worker: Worker, argument: tuple[int, str]) -> Any:
    number, taker = argument
    if number not in owned_by(worker):
        return None
    return number, cluster.take_over(worker.stage.name, number, taker, but=worker)


def regroup(cluster: Cluster, worker: Worker, argument: tuple[frozenset[tuple[str, int]], tuple[str, ...]]) -> Any:
    committed, takers = argument
    stage = worker.stage.name
    for one in cluster.stages[stage]:
        for number in list(one.assigned):
            _give_up(one, number, (one.name, number) in committed)
    partitions = range(len(cluster.memory.topics[stage]))
    return [cluster.take_over(stage, number, takers[number] if number < len(takers) else None) for number in partitions]


def join(cluster: Cluster, _: None, argument: tuple[str, str, Mapping[int, bool]]) -> Any:
    """Another instance of that name, which some of the partitions move to."""
    stage, name, moved = argument
    if name in cluster.by_name or len(cluster.stages[stage]) == MAX_INSTANCES:
        return None
    for one in cluster.stages[stage]:
        for number in moved.keys() & set(owned_by(one)):
            _give_up(one, number, moved[number])
    cluster.stages[stage].append(cluster.new_worker(stage, name))
    cluster.crew_changed()
    return name, [(number, cluster.take_over(stage, number, name)) for number in moved]


def leave(cluster: Cluster, worker: Worker, owners: Owners) -> Any:
    """In order: it gives up what it holds, and is no more."""
    stage = worker.stage.name
    if len(cluster.stages[stage]) == 1:
        return None
    owned = owned_by(worker)
    for number in list(worker.assigned):
        _give_up(worker, number, owners.get(number, (False, ""))[0])
    worker.crash()
    cluster.stages[stage].remove(worker)
    cluster.crew_changed()
    takers = {number: taker for number, (_, taker) in owners.items()}
    return [(number, cluster.take_over(stage, number, takers.get(number))) for number in owned]


def grow(cluster: Cluster, _: None, argument: tuple[str, str]) -> Any:
    """A topic gets another partition, which later routing tables may use."""
    stage, taker = argument
    number = len(cluster.memory.topics[stage])
    if number == MAX_PARTITIONS:
        return None
    cluster.memory.grow(stage, number + 1)
    return stage, number, cluster.take_over(stage, number, taker)


def copy(cluster: Cluster, _: None, argument: tuple[int, Send | Tell]) -> Any:
    """Of the very record where it was sent in this history, or else of the last one of its name."""
    index, wanted = argument
    sent = cluster.memory.sent
    if index >= len(sent) or sent[index] != wanted:
        name = send_name(wanted)
        index = next((i for i in reversed(range(len(sent))) if sent[i] == wanted), -1)
        if index < 0:
            index = next((i for i in reversed(range(len(sent))) if send_name(sent[i]) == name), -1)
        if index < 0:
            return None
    send = sent[index]
    if isinstance(send, Tell):
        active = cluster.copies.active(send.stage, send.record.epoch)
        number = active[index % len(active)]
    else:
        number = cluster.memory.route(send, cluster.copies)
    cluster.memory.append(send, number)
    return send


def readmit(cluster: Cluster, _: None, argument: tuple[int, bool]) -> Any:
    """So many questions are read again. Where that is since their reader died, all whose admission has not arrived."""
    back, died = argument
    admissions = cluster.admissions
    if not admissions:
        return None
    keep = max(0, len(admissions) - back)
    if died:
        keep = next((index for index, sent in enumerate(admissions[:keep]) if sent.sends), keep)
        cluster.admitter.crash()
    again = [question for question, _ in cluster.questions[keep : len(admissions)]]
    del admissions[keep:]
    return again


def cancel(cluster: Cluster, worker: Worker, question: str) -> Any:
    """Its asker wants it no more."""
    logic = worker.logic
    assert isinstance(logic, CoordinatorLogic)
    worker.perform(logic.cancel(question, worker.router.current, cluster.now + cluster.deadline_ms))
    return question


def epoch(cluster: Cluster, _: None, active: Mapping[str, tuple[int, ...]]) -> Any:
    known = cluster.memory.topics
    active = {stage: tuple(one for one in some if one < len(known[stage])) for stage, some in active.items()}
    if not all(active.values()):
        return None  # of partitions that were never made in this history
    cluster.publish_table(active)
    return active


def error(cluster: Cluster, worker: Worker, name: Any) -> Any:
    """As an engine fails, for nothing else is tried again. Not on a run's last try, or its question would fail."""
    index = worker.run_index(name)
    if index is None or worker.running[index][0].run.retried() is None:
        return None
    ancestry = worker.running[index][0].run.ancestry
    return ancestry, worker.advance(index, EngineError("injected"))


def pause(cluster: Cluster, _: None, ms: int) -> Any:
    cluster.now += ms
    return ms


def owned_by(worker: Worker) -> list[int]:
    """The partitions that are its own, as far as anyone knows."""
    return sorted(number for number, one in worker.assigned.items() if not one.lost)


def send_name(send: Send | Tell) -> Any:
    """What it is, whichever attempt it comes from."""
    record = send.record
    return send.stage, record.kind, record.port, record.ancestry.key(len(record.ancestry.path))


def _give_up(worker: Worker, number: int, committed: bool) -> None:
    """With a last commit, which may fail."""
    if committed:
        worker.commit(number)
    worker.revoke(number)
