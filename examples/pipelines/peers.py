"""Peers: every draft of an answer is judged in sight of all drafts, by a join of two levels.

python -m examples.pipelines.peers
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence

from alto_streams.context import Context
from alto_streams.engines.protocol import Message, Prompt, Sampling
from alto_streams.failure import Failure
from alto_streams.operators import Collect, Into
from alto_streams.pipeline import Pipeline, join
from examples.pipelines.messages_pb2 import Line, Support, Told
from examples.pipelines.scripted import Scripted, show
from schemas.question_pb2 import Question

DRAFT = Prompt("draft", (Message("system", "Write three answers, one on each line."),))
JUDGE = Prompt("judge", (Message("system", "Do most of the answers agree with the last one? yes or no"),))


async def draft(question: Question, ctx: Context) -> AsyncIterator[str]:
    async for text in ctx.engine.generate(DRAFT.ask(question.text), Sampling(temperature=0.8)):
        yield text


async def complete(draft: Line, ctx: Context) -> Line | None:
    """None for a draft that breaks off: nobody judges it, and it judges nobody."""
    return draft if draft.text.endswith(".") else None


def sheet_of(drafts: list[Line]) -> Line:
    return Line(text="\n".join(draft.text for draft in drafts))


async def weigh(draft: Line, sheet: Line, ctx: Context) -> Support:
    yes, no = await ctx.engine.score(JUDGE.ask(f"{sheet.text}\n{draft.text}"), ("yes", "no"))
    return Support(title=draft.text, score=1 / (1 + math.exp(no - yes)))


def conclude(question_id: str, judged: Sequence[Support], failure: Failure | None) -> Told:
    lines = [f"{one.title} {one.score:.2f}" for one in sorted(judged, key=lambda one: -one.score)]
    return Told(question_id=question_id, lines=lines, failure=failure.message if failure else "")


pipeline = p = Pipeline("peers", source=Question)

drafts = p.source.expand(draft, "draft", cut="line", item=Line, uses="lm", prompt=DRAFT).map(complete)
sheet = drafts.aggregate(Into(Collect(), sheet_of))
judged = join(drafts, sheet).map(weigh, uses="lm", prompt=JUDGE)

p.publish(drafts, "draft")
p.output(judged, "judged", conclude=conclude)


def say(name: str, asked: str, seed: int) -> str:
    """Two drafts that agree, one that does not, and one that breaks off."""
    return f"{asked}: it is Linz.\n{asked}: it is Graz.\nWell, {asked}\n{asked}: it is Linz."


def judge(name: str, asked: str) -> float:
    *sheet, draft = asked.split("\n")
    return -9.0 + 3 * (2 * sheet.count(draft) - len(sheet))


if __name__ == "__main__":
    show(pipeline, "The capital of Upper Austria", Scripted(say, judge))
