"""Pipelines of the FacTool shape whose functions are scripted, and a check that an outcome is one consistent history.

Items say where they come from: claim `q/0a/2b` is child 2 of run `b` of sentence `q/0a`. A fickle script writes other
items, and other counts of them, each time that it runs.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from random import Random

from alto_streams.context import Context
from alto_streams.pipeline import Pipeline, join
from alto_streams.testing import Faults, Result, Simulated

QUESTIONS = {name: name.encode() for name in ("a", "b", "c")}


@dataclass(frozen=True)
class Text:
    """A message with one field, as generated Protobuf code would have it."""

    text: str = ""

    def SerializeToString(self) -> bytes:
        return self.text.encode()

    @classmethod
    def FromString(cls, data: bytes) -> Text:
        return cls(data.decode())


class Words:
    """Sums over the words of a query, as BM25 does: any order, every word once."""

    def open(self) -> None:
        """Makes it a stage of its own."""

    def initial(self) -> list[str]:
        return []

    def add(self, state: list[str], item: Text) -> list[str]:
        return [*state, item.text]

    def merge(self, a: list[str], b: list[str]) -> list[str]:
        return a + b

    def result(self, state: list[str]) -> Text:
        return Text(" ".join(sorted(state)))


class Evidence:
    """The queries' results as one sorted list."""

    def initial(self) -> tuple[str, ...]:
        return ()

    def add(self, state: tuple[str, ...], item: Text) -> tuple[str, ...]:
        return (*state, item.text)

    def merge(self, a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
        return a + b

    def result(self, state: tuple[str, ...]) -> Text:
        return Text("|".join(sorted(state)))


def number(text: str, below: int) -> int:
    """A number that a text always gives."""
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "little") % below


def conclude(question: str, items: list[Text], failure: object) -> bytes:
    return json.dumps([item.text for item in items] if failure is None else {"failure": failure}).encode()


class Script:
    """The functions of the stages. With a seed they are fickle; without, equal inputs give equal items."""

    def __init__(self, seed: int | None = None, most: int = 3) -> None:
        self.random = None if seed is None else Random(seed)
        self.most, self.calls = most, 0
        self.completed: defaultdict[tuple[str, str], list[list[str]]] = defaultdict(list)

    def children(self, level: str, parent: str) -> list[str]:
        """What one run writes under a parent."""
        self.calls += 1
        run = f"r{self.calls}" if self.random else ""
        count = self.random.randint(0, self.most) if self.random else number(level + parent, self.most + 1)
        return [f"{parent}/{level}{index}{run}" for index in range(count)]

    async def _expand(self, level: str, parent: str) -> AsyncIterator[str]:
        children = self.children(level, parent)
        for child in children:
            if number(child, 3) == 0:
                await asyncio.sleep(0)
            yield child
        self.completed[level, parent].append(children)

    def pipeline(self, keep: bool = False, drop: bool = False) -> Pipeline:
        """With `keep`, a filter drops some claims; with `drop`, a map drops some queries."""

        async def answer(question: bytes, ctx: Context) -> AsyncIterator[Text]:
            async for child in self._expand("s", question.decode()):
                yield Text(child)

        async def extract(sentence: Text, ctx: Context) -> AsyncIterator[Text]:
            async for child in self._expand("c", sentence.text):
                yield Text(child)

        async def generate(claim: Text, ctx: Context) -> AsyncIterator[str]:
            queries = self.children("q", claim.text)
            text = "".join("\n" + query.replace("/", " /") + "\n" for query in queries)
            for start in range(0, len(text), 5):
                yield text[start : start + 5]
            self.completed["q", claim.text].append(queries)

        async def encode(query: Text, ctx: Context) -> Text | None:
            await asyncio.sleep(0)
            return Text(query.text) if not drop or wanted(query.text) else None

        async def rerank(hits: Text, vectors: Text, ctx: Context) -> Text:
            assert sorted(hits.text.split()) == sorted(vectors.text.split()), "hits and vectors of two queries"
            return Text(vectors.text.replace(" /", "/"))

        async def appraise(claim: Text, evidence: Text, ctx: Context) -> Text:
            return Text(f"{claim.text}: {evidence.text}")

        async def checkable(claim: Text, ctx: Context) -> bool:
            return kept(claim.text)

        p = Pipeline("scripted", source=bytes)
        sentences = p.source.expand(answer, "sentence")
        claims = sentences.expand(extract, "claim", concurrency=3)
        if keep:
            claims = claims.filter(checkable)
        queries = claims.expand(generate, "query", cut="lines", item=Text, concurrency=2)
        hits = queries.cut("token", at="words", item=Text).aggregate(Words())
        ranked = join(hits, queries.map(encode)).map(rerank)
        verdicts = join(claims, ranked.aggregate(Evidence(), over="query")).map(appraise)
        p.publish(claims, "claim")
        p.output(verdicts, "verdict", conclude=conclude)
        return p

    def check(self, result: Result, keep: bool = False, drop: bool = False) -> None:
        """Every scope of every outcome comes whole from one run that came to its end."""
        for question, outcome in result.outcomes.items():
            verdicts = json.loads(outcome)
            assert isinstance(verdicts, list), verdicts
            histories = self._histories("s", question, verdicts, keep, drop)
            assert verdicts in histories, f"the outcome of {question} mixes runs, or misses items: {verdicts}"

    def _histories(self, level: str, parent: str, found: list[str], keep: bool, drop: bool) -> Iterator[list[str]]:
        """The lists of verdicts that completed runs under `parent` allow, as far as `found` does not rule them out."""
        for children in self.completed[level, parent]:
            if level == "s":
                yield from self._concatenations(children, found, keep, drop)
            elif level == "c":
                claims = [child for child in children if not keep or kept(child)]
                mine = [v for v in found if v.split(": ")[0] in claims]
                if [v.split(": ")[0] for v in mine] == claims and all(self._evidence(v, drop) for v in mine):
                    yield mine

    def _concatenations(self, sentences: list[str], found: list[str], keep: bool, drop: bool) -> Iterator[list[str]]:
        if not sentences:
            yield []
            return
        mine = [verdict for verdict in found if verdict.startswith(sentences[0] + "/")]
        for first in self._histories("c", sentences[0], mine, keep, drop):
            for rest in self._concatenations(sentences[1:], found, keep, drop):
                yield first + rest

    def _evidence(self, verdict: str, drop: bool) -> bool:
        claim, _, evidence = verdict.partition(": ")
        return any(
            evidence == "|".join(sorted(query for query in run if not drop or wanted(query.replace("/", " /"))))
            for run in self.completed["q", claim]
        )


def kept(claim: str) -> bool:
    return number("keep" + claim, 3) > 0


def wanted(query: str) -> bool:
    return number("want" + query, 3) > 0


def simulation(seed: int) -> Simulated:
    """For `alto simulate`: words that change with each run at every second seed, a filter or not, drops or not."""
    fickle, keep, drop = seed & 1, bool(seed & 2), bool(seed & 4)
    return _fickle(seed, keep, drop) if fickle else _steady(keep, drop)


@lru_cache
def _steady(keep: bool, drop: bool) -> Simulated:
    return Simulated(Script().pipeline(keep, drop), QUESTIONS)


def _fickle(seed: int, keep: bool, drop: bool) -> Simulated:
    script = Script(seed)
    check = lambda result: script.check(result, keep, drop)  # noqa: E731
    return Simulated(script.pipeline(keep, drop), QUESTIONS, check=check, same=False)


def deadlines(seed: int) -> Simulated:
    """For `alto simulate`: deadlines pass half-way."""
    return Simulated(Script(seed).pipeline(), QUESTIONS, same=False, faults=Faults(tick_ms=10), deadline_ms=3000)
