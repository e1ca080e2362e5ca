"""Peers: every draft of an answer is judged in sight of all drafts, by a join of two levels.

python -m examples.pipelines.peers
python -m examples.pipelines.peers --kafka "The capital of France"
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from alto_streams.context import Context
from alto_streams.engines.protocol import Prompt, Sampling
from alto_streams.failure import Failure
from alto_streams.operators import Collect, Into
from alto_streams.pipeline import Pipeline, join
from examples.pipelines.asking import agrees
from examples.pipelines.command import main
from examples.pipelines.messages_pb2 import Line, Support, Told
from examples.pipelines.scripted import Scripted, simulated
from schemas.question_pb2 import Question

DRAFT = Prompt.few_shot(
    "draft",
    "Write three answers, one on each line.",
    [("The largest ocean", "It is the Pacific.\nThe Pacific Ocean is the largest.\nIt is the Atlantic.")],
)
JUDGE = Prompt.few_shot(
    "judge",
    "Do most of the answers agree with the last one? yes or no",
    [("It is red.\nIt is red.\nIt is blue.\nIt is red.", "yes"), ("It is red.\nIt is red.\nIt is blue.", "no")],
)


async def draft(question: Question, ctx: Context) -> AsyncIterator[str]:
    async for text in ctx.engine.generate(DRAFT.ask(question.text), Sampling(max_tokens=96, temperature=0.8)):
        yield text


async def complete(draft: Line, ctx: Context) -> Line | None:
    """None for a draft that breaks off: nobody judges it, and it judges nobody."""
    return draft if draft.text.endswith(".") else None


def sheet_of(drafts: list[Line]) -> Line:
    return Line(text="\n".join(draft.text for draft in drafts))


async def weigh(draft: Line, sheet: Line, ctx: Context) -> Support:
    return Support(title=draft.text, score=await agrees(ctx.engine, JUDGE.ask(f"{sheet.text}\n{draft.text}")))


def conclude(question_id: str, judged: Sequence[Support], failure: Failure | None) -> Told:
    lines = [f"{one.title} {one.score:.2f}" for one in sorted(judged, key=lambda one: -one.score)]
    return Told(question_id=question_id, lines=lines, failure=failure.message if failure else "")


pipeline = p = Pipeline("peers", source=Question)

drafts = p.source.expand(draft, "draft", cut="line", item=Line, uses="lm", prompt=DRAFT).map(complete)
sheet = drafts.aggregate(Into(Collect(), sheet_of))
judged = join(drafts, sheet).map(weigh, uses="lm", prompt=JUDGE)

p.publish(drafts, "draft")
p.output(judged, "judgement", conclude=conclude)


def say(name: str, asked: str, seed: int) -> str:
    """Two drafts that agree, one that does not, and one that breaks off."""
    return f"{asked}: it is Linz.\n{asked}: it is Graz.\nWell, {asked}\n{asked}: it is Linz."


def judge(name: str, asked: str) -> float:
    *sheet, draft = asked.split("\n")
    return -9.0 + 3 * (2 * sheet.count(draft) - len(sheet))


simulation = simulated(pipeline, Scripted(say, judge), "The capital of Upper Austria", "Why", "A bridge")

if __name__ == "__main__":
    main("peers", "The capital of Upper Austria", Scripted(say, judge))
