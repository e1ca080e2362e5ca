"""Multi-hop question answering: what one look-up finds says what to look up next, at most so many hops deep.

The loop is unrolled: each hop opens a level under the last, and on the way back each level settles on one answer.

python -m examples.pipelines.multi_hop
python -m examples.pipelines.multi_hop --kafka "Where was the writer of Metropolis born?"
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from alto_streams.context import Context
from alto_streams.engines.protocol import Prompt
from alto_streams.failure import Failure
from alto_streams.operators import Collect
from alto_streams.pipeline import Pipeline, join
from examples.pipelines.asking import first, pieces
from examples.pipelines.command import main
from examples.pipelines.library import words
from examples.pipelines.messages_pb2 import Told, Trail
from examples.pipelines.scripted import Scripted, simulated
from schemas.question_pb2 import Question

HOPS = 3
QUERIES = 3  # of one hop, at most
NEXT = Prompt.few_shot(
    "next",
    "What must be looked up next? One query a line; nothing once you know.",
    [
        ("Where was the painter of Guernica born?", "painter of Guernica"),
        ("Where was the painter of Guernica born?\nPablo Picasso painted Guernica.", "birthplace of Pablo Picasso"),
    ],
)
ANSWER = Prompt.few_shot(
    "answer",
    "Answer from the facts in one line, or say: unknown.",
    [
        ("Where was the painter of Guernica born?\nPablo Picasso painted Guernica.", "unknown"),
        ("Where was Pablo Picasso born?\nPablo Picasso was born in Malaga.", "Malaga"),
    ],
)
FACTS = {
    "director of Metropolis": "Fritz Lang directed Metropolis.",
    "writer of Metropolis": "Thea von Harbou wrote Metropolis.",
    "birthplace of Fritz Lang": "Fritz Lang was born in Vienna.",
    "birthplace of Thea von Harbou": "Thea von Harbou was born in Tauperlitz.",
    "river of Vienna": "Vienna lies on the Danube.",
}


def find(query: str) -> str | None:
    """The first fact whose entry is in the query, however that is worded."""
    return next((fact for entry, fact in FACTS.items() if words(entry) <= words(query)), None)


async def start(question: Question, ctx: Context) -> Trail:
    return Trail(question=question.text)


async def hop(trail: Trail, ctx: Context) -> AsyncIterator[Trail]:
    """One trail for each query that finds something new; none where nothing is left to ask."""
    known = set(trail.facts)
    async for query in pieces(ctx.engine, NEXT.ask(_told(trail)), "line", QUERIES, max_tokens=40):
        fact = find(query)
        if fact and fact not in known:
            known.add(fact)
            yield Trail(question=trail.question, facts=[*trail.facts, fact])


async def answer(trail: Trail, ctx: Context) -> Trail:
    """From what the whole trail has found."""
    said = await first(ctx.engine, ANSWER.ask(_told(trail)), "line", max_tokens=24)
    known = not said.lower().startswith("unknown")
    return Trail(question=trail.question, facts=trail.facts, answer=said if known else "")


async def settle(trail: Trail, deeper: list[Trail], ctx: Context) -> Trail:
    """The first answer that a longer trail found; else this one's own."""
    return next((found for found in deeper if found.answer), trail)


def conclude(question_id: str, answers: Sequence[Trail], failure: Failure | None) -> Told:
    found = next((one for one in answers if one.answer), None)
    lines = [found.answer, *found.facts] if found else []
    return Told(question_id=question_id, lines=lines, failure=failure.message if failure else "")


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


simulation = simulated(
    pipeline,
    Scripted(say),
    "Which river runs through the birthplace of the director of Metropolis?",
    "Which river runs through the birthplace of the writer of Metropolis?",
    "Which river is in Alien?",
)

if __name__ == "__main__":
    main("multi_hop", "Which river runs through the birthplace of the director of Metropolis?", Scripted(say))
