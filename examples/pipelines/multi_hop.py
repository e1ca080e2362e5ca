"""Multi-hop question answering: what one look-up finds says what to look up next, at most so many hops deep.

The loop is unrolled: each hop opens a level under the last, and on the way back each level settles on one answer.

python -m examples.pipelines.multi_hop
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from alto_streams.context import Context
from alto_streams.engines.protocol import Message, Prompt, Sampling
from alto_streams.failure import Failure
from alto_streams.operators import Collect
from alto_streams.pipeline import Pipeline, join
from alto_streams.quanta import cutter
from examples.pipelines.messages_pb2 import Told, Trail
from examples.pipelines.scripted import Scripted, show
from schemas.question_pb2 import Question

HOPS = 3
NEXT = Prompt("next", (Message("system", "What must be looked up next? One query a line; nothing once you know."),))
ANSWER = Prompt("answer", (Message("system", "Answer from the facts in one line, or say: unknown."),))
FACTS = {
    "director of Metropolis": "Fritz Lang directed Metropolis.",
    "writer of Metropolis": "Thea von Harbou wrote Metropolis.",
    "birthplace of Fritz Lang": "Fritz Lang was born in Vienna.",
    "birthplace of Thea von Harbou": "Thea von Harbou was born in Tauperlitz.",
    "river of Vienna": "Vienna lies on the Danube.",
}


async def start(question: Question, ctx: Context) -> Trail:
    return Trail(question=question.text)


async def hop(trail: Trail, ctx: Context) -> AsyncIterator[Trail]:
    """One trail for each query that has an answer; none where nothing is left to ask."""
    lines = cutter("line")
    async for chunk in ctx.engine.generate(NEXT.ask(_told(trail)), Sampling()):
        for query in lines.feed(chunk):
            if query in FACTS:
                yield _longer(trail, FACTS[query])
    for query in lines.end():
        if query in FACTS:
            yield _longer(trail, FACTS[query])


async def answer(trail: Trail, ctx: Context) -> Trail:
    """From what the whole trail has found."""
    said = "".join([text async for text in ctx.engine.generate(ANSWER.ask(_told(trail)), Sampling())]).strip()
    return Trail(question=trail.question, facts=trail.facts, answer="" if said == "unknown" else said)


async def settle(trail: Trail, deeper: list[Trail], ctx: Context) -> Trail:
    """The first answer that a longer trail found; else this one's own."""
    return next((found for found in deeper if found.answer), trail)


def conclude(question_id: str, answers: Sequence[Trail], failure: Failure | None) -> Told:
    found = next((one for one in answers if one.answer), None)
    lines = [found.answer, *found.facts] if found else []
    return Told(question_id=question_id, lines=lines, failure=failure.message if failure else "")


def _longer(trail: Trail, fact: str) -> Trail:
    return Trail(question=trail.question, facts=[*trail.facts, fact])


def _told(trail: Trail) -> str:
    return "\n".join([trail.question, *trail.facts])


pipeline = p = Pipeline("multi-hop", source=Question)

trails = [p.source.map(start)]
for depth in range(1, HOPS + 1):
    trails.append(trails[-1].expand(hop, f"hop{depth}", name=f"hop{depth}", uses="lm", prompt=NEXT))
    p.publish(trails[-1], "trail")

settled = trails[HOPS].map(answer, name=f"answer{HOPS}", uses="lm", prompt=ANSWER)
for depth in range(HOPS - 1, 0, -1):
    deeper = settled.aggregate(Collect(), over=f"hop{depth + 1}")
    own = trails[depth].map(answer, name=f"answer{depth}", uses="lm", prompt=ANSWER)
    settled = join(own, deeper).map(settle, name=f"settle{depth}")

p.output(settled, "answer", conclude=conclude)


def say(name: str, asked: str, seed: int) -> str:
    """The scripted model follows director and writer, their birthplaces, and the rivers there."""
    question, *facts = asked.split("\n")
    last = facts[-1] if facts else ""
    if name == "answer":
        return last.split(" ")[-1].rstrip(".") if "lies on" in last and "river" in question else "unknown"
    if not facts:
        film = question.rstrip("?").split(" ")[-1]
        return f"writer of {film}\ncolour of {film}\ndirector of {film}"
    if " directed " in last or " wrote " in last:
        return f"birthplace of {last.split(' directed ')[0].split(' wrote ')[0]}\n"
    return f"river of {last.split(' ')[-1].rstrip('.')}" if " born in " in last else ""


if __name__ == "__main__":
    show(pipeline, "Which river runs through the birthplace of the director of Metropolis?", Scripted(say))
