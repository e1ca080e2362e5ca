"""Scopes complete whatever the order, the copies and the replaced attempts, exactly when a naive model says so."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alto_streams.ancestry import Attempt, Step
from alto_streams.operators import Collect
from alto_streams.scopes import EMPTY, Scope

Event = tuple[str, tuple[Step, ...], Any]  # ("item", path, value) or ("count", path, (attempt, count))


class Total:
    """Order does not matter; every item must count once."""

    def initial(self) -> int:
        return 0

    def add(self, state: int, item: str) -> int:
        return state + int.from_bytes(item.encode(), "big")

    def merge(self, a: int, b: int) -> int:
        return a + b

    def result(self, state: int) -> int:
        return state


def written(random: Random, depth: int, path: tuple[Step, ...], runs: list[int]) -> tuple[list[Event], list[Any]]:
    """Everything that one to three runs of the expands write, and what the last run of each scope comes to."""
    events: list[Event] = []
    final: list[Any] = []
    for _ in range(random.randint(1, 3)):
        runs[0] += 1
        attempt, count = Attempt(runs[0] // 3, runs[0] % 3), random.randint(0, 3)
        final = []
        for index in range(count):
            below = (*path, Step(index, attempt))
            if depth > 1:
                more, values = written(random, depth - 1, below, runs)
                events += more
                final += values
            else:
                dropped = random.random() < 0.2
                events.append(("item", below, EMPTY if dropped else f"{runs[0]}:{index}"))
                final += [] if dropped else [f"{runs[0]}:{index}"]
        events.append(("count", path, (attempt, count)))
    return events, final


def model(events: list[Event], depth: int, path: tuple[Step, ...] = ()) -> list[Any] | None:
    """The items of a scope by the definition, recomputed from all events; None while it is not complete."""
    at = len(path)
    attempts = [e[1][at].attempt for e in events if len(e[1]) > at and e[1][:at] == path]
    attempts += [e[2][0] for e in events if e[0] == "count" and e[1] == path]
    if not attempts:
        return None
    newest = max(attempts)
    count = next((e[2][1] for e in events if e[0] == "count" and e[1] == path and e[2][0] == newest), None)
    if count is None:
        return None
    found: list[Any] = []
    for index in range(count):
        below = (*path, Step(index, newest))
        if depth > 1:
            values = model(events, depth - 1, below)
            if values is None:
                return None
            found += values
        else:
            item = next((e[2] for e in events if e[0] == "item" and e[1] == below), None)
            if item is None:
                return None
            found += [] if item is EMPTY else [item]
    return found


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3), st.sampled_from([Collect, Total]))
def test_a_scope_completes_when_the_model_does(seed: int, depth: int, operator_type: type) -> None:
    random = Random(seed)
    events, final = written(random, depth, (), [0])
    shuffled = events + random.choices(events, k=len(events) // 2)
    random.shuffle(shuffled)
    operator = operator_type()
    scope: Scope[int] = Scope(depth, operator)
    released: list[int] = []
    for delivery, (kind, path, value) in enumerate(shuffled):
        if kind == "item":
            scope.add(path, value, delivery, released)
        else:
            scope.close(path, value[0], value[1], delivery, released)
        wanted = model(shuffled[: delivery + 1], depth)
        assert scope.complete == (wanted is not None)
        if wanted is not None:
            state = operator.initial()
            for item in wanted:
                state = operator.add(state, item)
            assert scope.result() == operator.result(state)
        assert sorted(released + scope.deliveries()) == list(range(delivery + 1)), "each delivery is held or released"
    assert scope.complete
    if operator_type is Collect:
        assert scope.result() == final
        assert scope.result() == final, "asking twice changes nothing"
