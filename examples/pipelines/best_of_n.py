"""Best of n: a problem is solved several times, step by step, and the solutions are voted on.

python -m examples.pipelines.best_of_n
python -m examples.pipelines.best_of_n --kafka "7 + 9 ="
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence

from alto_streams.context import Context
from alto_streams.engines.protocol import Prompt, Sampling
from alto_streams.failure import Failure
from alto_streams.operators import Collect, Into, Vote
from alto_streams.pipeline import Pipeline
from examples.pipelines.command import main
from examples.pipelines.messages_pb2 import Draw, Line, Solution, Told
from examples.pipelines.scripted import Scripted, simulated
from schemas.question_pb2 import Question

DRAWS = 5
ANSWER = re.compile(r"answer\W*(-?\d+(?:\.\d+)?)", re.IGNORECASE)
SOLVE = Prompt.few_shot(
    "solve", "Think in short lines. End with 'Answer:' and a number.", [("20 + 5 =", "I add 20 and 5.\nAnswer: 25")]
)


async def draw(problem: Question, ctx: Context) -> AsyncIterator[Draw]:
    for number in range(DRAWS):
        yield Draw(problem=problem.text, number=number)


async def solve(draw: Draw, ctx: Context) -> AsyncIterator[str]:
    sampling = Sampling(max_tokens=48, temperature=0.8, seed=draw.number)
    async for text in ctx.engine.generate(SOLVE.ask(draw.problem), sampling):
        yield text


async def solution(steps: list[Line], ctx: Context) -> Solution | None:
    """None for a draw that came to no answer: it does not vote."""
    said = ANSWER.findall("\n".join(step.text for step in steps))
    return Solution(answer=said[-1]) if said else None


def voted(answer: str) -> Solution:
    return Solution(answer=answer)


def conclude(question_id: str, elected: Sequence[Solution], failure: Failure | None) -> Told:
    """Nobody is elected where no draw came to an answer."""
    lines = [one.answer for one in elected]
    return Told(question_id=question_id, lines=lines, failure=failure.message if failure else "")


pipeline = p = Pipeline("best-of-n", source=Question)

draws = p.source.expand(draw, "draw")
steps = draws.expand(solve, "step", cut="line", item=Line, uses="lm", prompt=SOLVE)
votes = steps.aggregate(Collect(), over="step").map(solution)
elected = votes.aggregate(Into(Vote("answer", of=DRAWS), voted))

p.publish(steps, "step")
p.publish(votes, "vote")
p.output(elected, "solution", conclude=conclude)


def say(name: str, asked: str, seed: int) -> str:
    """The scripted model adds: one draw is off by one, and one comes to no answer."""
    a, b, *_ = *(int(number) for number in re.findall(r"\d+", asked)), 0, 0
    if (a + seed) % DRAWS == 0:
        return f"I add {a} and {b}.\nI am lost."
    return f"I add {a} and {b}.\nAnswer: {a + b + ((a + seed) % DRAWS == 1)}"


simulation = simulated(pipeline, Scripted(say), "1 + 2 =", "12 + 30 =", "8 + 5 =")

if __name__ == "__main__":
    main("best_of_n", "12 + 30 =", Scripted(say))
