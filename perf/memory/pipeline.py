"""A small pipeline with FacTool's shape: two sentences, a query of two words each, summed and joined. No model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from alto_streams.context import Context
from alto_streams.failure import Failure
from alto_streams.pipeline import Pipeline, join

SENTENCES = 2


@dataclass(frozen=True, slots=True)
class Text:
    """A message with one field, as generated Protobuf code would have it."""

    text: str = ""

    def SerializeToString(self) -> bytes:
        return self.text.encode()

    @classmethod
    def FromString(cls, data: bytes) -> Text:
        return cls(data.decode())


class Joined:
    """The items' texts, sorted."""

    def initial(self) -> list[str]:
        return []

    def add(self, state: list[str], item: Text) -> list[str]:
        return [*state, item.text]

    def merge(self, a: list[str], b: list[str]) -> list[str]:
        return a + b

    def result(self, state: list[str]) -> Text:
        return Text(" ".join(sorted(state)))


class Words(Joined):
    """As BM25, a stage of its own."""

    def open(self) -> None:
        """Makes it one."""


async def answer(question: bytes, ctx: Context) -> AsyncIterator[Text]:
    for index in range(SENTENCES):
        yield Text(f"{question.decode()}.{index}")


async def ask(sentence: Text, ctx: Context) -> AsyncIterator[str]:
    yield f"query {sentence.text}\n"


async def encode(query: Text, ctx: Context) -> Text:
    return query


async def rerank(hits: Text, vectors: Text, ctx: Context) -> Text:
    return vectors


async def appraise(sentence: Text, evidence: Text, ctx: Context) -> Text:
    return evidence


def conclude(question_id: str, verdicts: Sequence[Text], failure: Failure | None) -> bytes:
    return b"failed" if failure else b"\n".join(verdict.text.encode() for verdict in verdicts)


def make() -> Pipeline:
    p = Pipeline("memory", source=bytes)
    sentences = p.source.expand(answer, "sentence", concurrency=8)
    queries = sentences.expand(ask, "query", cut="lines", item=Text, concurrency=8)
    hits = queries.cut("token", at="words", item=Text).aggregate(Words())
    ranked = join(hits, queries.map(encode)).map(rerank)
    p.output(join(sentences, ranked.aggregate(Joined(), over="query")).map(appraise), "verdict", conclude=conclude)
    return p
