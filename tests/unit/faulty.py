"""Stages to build impossible pipelines of, and a test for each: it is refused by name, and with a mend."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import wraps
from typing import Any, Self

import pytest

from alto_streams.context import Context
from alto_streams.errors import PipelineError
from alto_streams.pipeline import Pipeline, Stream


class Message:
    """As much of one as is asked for."""

    def SerializeToString(self) -> bytes:
        return b""

    @classmethod
    def FromString(cls, data: bytes) -> Self:
        return cls()


class Claim(Message):
    """A type of message."""


class Query(Message):
    """Another one."""


async def answer(question: bytes, ctx: Context) -> AsyncIterator[Claim]:
    yield Claim()


async def ask(claim: Claim, ctx: Context) -> AsyncIterator[Query]:
    yield Query()


async def write(claim: Claim, ctx: Context) -> AsyncIterator[str]:
    yield ""


async def judge(claim: Claim, ctx: Context) -> Claim:
    return claim


async def search(query: Query, ctx: Context) -> Query:
    return query


async def compare(claim: Claim, query: Query, ctx: Context) -> Claim:
    return claim


async def good(claim: Claim, ctx: Context) -> bool:
    return True


class Sum:
    """Has no merge."""

    def initial(self) -> int:
        return 0

    def add(self, state: int, item: Query) -> int:
        return state

    def result(self, state: int) -> Query:
        return Query()


def conclude(question: str, items: Sequence[Any], failure: object) -> bytes:
    return b""


def start(name: str = "p") -> tuple[Pipeline, Stream]:
    pipeline = Pipeline(name, source=bytes)
    return pipeline, pipeline.source.expand(answer, "claim")


async def gather(claim: Claim, queries: list, ctx: Context) -> Claim:  # type: ignore[type-arg]
    return claim


async def both(a: Query, b: Query, ctx: Context) -> Query:
    return a


def refused(names: str, mend: str) -> Callable[[Callable[[], object]], Callable[[], None]]:
    """Makes a test of what builds a pipeline: that is refused, in these words."""

    def test_of(build: Callable[[], object]) -> Callable[[], None]:
        @wraps(build)
        def test() -> None:
            with pytest.raises(PipelineError) as caught:
                build()
            assert names in caught.value.message, caught.value.message
            assert mend in caught.value.mend, caught.value.mend

        return test

    return test_of
