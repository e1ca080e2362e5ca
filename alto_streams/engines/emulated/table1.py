"""The load at which the paper measured its table 1, on emulated instances in virtual time, beside the paper's figures.

Questions come at 15 a second (Poisson) for 12 minutes to two instances; a whole answer goes on to one of two others as
soon as it is there, and each of its claims, as soon as it is there, to one of three more, in turn each time. Every
stage has instances of its own, as in the paper, and every prompt's constant beginning is in their caches.
`python -m alto_streams.engines.emulated.table1` prints the table; it takes 30 seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, chain, pairwise
from math import inf
from random import Random
from statistics import fmean, pstdev

from alto_streams.engines.emulated.model import Batch, Request
from alto_streams.engines.emulated.parameters import TABLE_1, Parameters
from alto_streams.engines.emulated.prefix_cache import Piece
from alto_streams.engines.emulated.sizes import ANSWER, CLAIMS, QUERIES, Size, Sizes

LOAD_PER_S = 15.0
SECONDS = 720.0
INSTANCES = (2, 2, 3)
QUESTION_WORDS = Size(10.2, 3.6)  # the 8,452 questions of SQuAD's development set: 10.24 ± 3.59
INSTRUCTIONS = Piece("instructions", 300)
SEEDS = range(101, 113)


@dataclass(slots=True)
class Output:
    """One answer, claim or query: how long after the output before it (the first: after the request was sent)."""

    at_s: float
    words: int
    after_s: float


@dataclass(slots=True)
class StageRun:
    """What one stage did: `token_gaps_s` are the times of single words, counted like those of outputs."""

    requests: int = 0
    fan_out: list[int] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    token_gaps_s: list[float] = field(default_factory=list)

    @property
    def ms_per_output(self) -> list[float]:
        return [1000 * output.after_s for output in self.outputs]


def serve(
    arrivals: Iterable[tuple[float, int]], sizes: Sizes, instances: int, random: Random, parameters: Parameters
) -> StageRun:
    """Serves requests, by their time and the words of their prompt that are new, on the instances in turn."""
    batches = [Batch(parameters) for _ in range(instances)]
    asked: list[tuple[float, list[int], Request]] = []
    for number, (at, words) in enumerate(sorted(arrivals)):
        drawn = sizes.draw(random)
        request = Request((INSTRUCTIONS, Piece(number, words)), sum(drawn))
        batches[number % instances].submit(request, at)
        asked.append((at, drawn, request))
    for batch in batches:
        batch.advance(inf)
    run = StageRun(len(asked))
    for at, drawn, request in asked:
        ends = [at, *(request.times[last - 1] for last in accumulate(drawn))]
        run.fan_out.append(len(drawn))
        run.outputs += [Output(b, words, b - a) for words, (a, b) in zip(drawn, pairwise(ends), strict=True)]
        run.token_gaps_s += [b - a for a, b in pairwise([at, *request.times])]
    return run


def play(
    seed: int, parameters: Parameters = TABLE_1, *, load: float = LOAD_PER_S, seconds: float = SECONDS
) -> tuple[StageRun, StageRun, StageRun]:
    """Answers, claims and queries of one run at `load` questions a second."""
    random = Random(seed)
    questions, at = [], random.expovariate(load)
    while at < seconds:
        questions.append((at, QUESTION_WORDS.draw(random)))
        at += random.expovariate(load)
    answers = serve(questions, ANSWER, INSTANCES[0], random, parameters)
    claims = serve(_made(answers), CLAIMS, INSTANCES[1], random, parameters)
    return answers, claims, serve(_made(claims), QUERIES, INSTANCES[2], random, parameters)


def _made(run: StageRun) -> list[tuple[float, int]]:
    return [(output.at_s, output.words) for output in run.outputs]


def join(runs: Iterable[tuple[StageRun, StageRun, StageRun]]) -> tuple[StageRun, ...]:
    """Several runs as one, stage by stage."""
    joined = (StageRun(), StageRun(), StageRun())
    for whole, one in chain.from_iterable(zip(joined, run, strict=True) for run in runs):
        whole.requests += one.requests
        whole.fan_out += one.fan_out
        whole.outputs += one.outputs
        whole.token_gaps_s += one.token_gaps_s
    return joined


def rows(stages: tuple[StageRun, ...]) -> Iterator[tuple[str, float, float, float, float]]:
    """Name, then mean and deviation of the paper, then those found."""
    answers, claims, queries = stages
    found = (
        ("words of an answer", 62.5, 57.2, [o.words for o in answers.outputs]),
        ("claims of an answer", 3.3, 1.8, claims.fan_out),
        ("words of a claim", 9.8, 3.5, [o.words for o in claims.outputs]),
        ("queries of a claim", 2.5, 1.3, queries.fan_out),
        ("words of a query", 5.5, 3.1, [o.words for o in queries.outputs]),
        ("ms for an answer", 1292.3, 1175.0, answers.ms_per_output),
        ("ms for a claim", 403.6, 1175.0, claims.ms_per_output),
        ("ms for a query", 326.6, 252.4, queries.ms_per_output),
        ("ms for a word of a query", 59.8, 79.3, [1000 * gap for gap in queries.token_gaps_s]),
    )
    for name, mean, deviation, values in found:
        yield name, mean, deviation, fmean(values), pstdev(values)


def main() -> None:
    """Prints the table in Markdown."""
    print("| | paper | emulated |\n|---|---|---|")
    for name, mean, deviation, found, spread in rows(join(map(play, SEEDS))):
        print(f"| {name} | {mean} ± {deviation} | {found:.1f} ± {spread:.1f} |")


if __name__ == "__main__":
    main()
