"""Whose transactions an outcome goes through, while partitions come and go."""

from __future__ import annotations

from typing import Any

import pytest

from alto_streams.runtime import outcomes as module
from alto_streams.runtime.outcomes import Outcomes
from alto_streams.runtime.transport.transactional import Fenced


class Producer:
    """In place of a real one: what became of it, in order."""

    def __init__(self, settings: dict[str, Any], name: str, broken: Any) -> None:
        self.name, self.deeds = name, ["made"]
        made.append(self)

    async def open(self) -> None:
        self.deeds.append("opened")

    def post(self, *record: Any) -> None:
        self.deeds.append("posted")

    def close(self) -> None:
        self.deeds.append("closed")


made: list[Producer] = []


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch) -> Outcomes:
    made.clear()
    monkeypatch.setattr(module, "TransactionalProducer", Producer)
    return Outcomes(dict, "p", print)


async def test_each_partition_has_its_own_until_it_is_given_up(outcomes: Outcomes) -> None:
    await outcomes.take([0, 3])
    told: list[BaseException | None] = []
    outcomes.post(3, "t", b"k", b"v", [], told.append)
    outcomes.give_up({3, 1})
    outcomes.close()
    assert {one.name: one.deeds for one in made} == {
        "p.coordinator.0": ["made", "opened", "closed"],
        "p.coordinator.3": ["made", "opened", "posted", "closed"],
    }
    assert told == []


async def test_a_partition_that_comes_back_is_opened_anew(outcomes: Outcomes) -> None:
    await outcomes.take([0])
    await outcomes.take([0])
    assert [one.deeds for one in made] == [["made", "opened", "closed"], ["made", "opened"]]


async def test_an_outcome_for_a_partition_that_is_not_owned_is_fenced(outcomes: Outcomes) -> None:
    await outcomes.take([0])
    told: list[BaseException | None] = []
    outcomes.post(1, "t", b"k", b"v", [], told.append)
    assert [type(error) for error in told] == [Fenced]
