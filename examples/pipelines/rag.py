"""Retrieval-augmented generation: each sentence is checked against the passages and cited while the next is written.

python -m examples.pipelines.rag
python -m examples.pipelines.rag --kafka "Where does the Black Forest lie?"
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from alto_streams.context import Context
from alto_streams.engines.protocol import Prompt
from alto_streams.failure import Failure
from alto_streams.operators import Collect, Into, TopK
from alto_streams.pipeline import Pipeline, join
from examples.pipelines.asking import agrees, pieces
from examples.pipelines.command import main
from examples.pipelines.library import look_up
from examples.pipelines.messages_pb2 import Citation, Passage, Passages, Sentence, Support, Told
from examples.pipelines.scripted import Scripted, simulated
from schemas.question_pb2 import Question

RETRIEVED = 4
CITED = 2  # at most, of one sentence
LEAST = 0.4  # probability from which a passage counts as a source; small models say no too often
SENTENCES = 5
KENYA = "Mount Kenya is the highest mountain in Kenya. It is an extinct volcano."
ANSWER = Prompt.few_shot(
    "answer", "Answer in short sentences, from the passages alone.", [(f"{KENYA}\nWhat is Mount Kenya?", KENYA)]
)
SUPPORT = Prompt.few_shot(
    "support",
    "Does the passage say what the sentence says? yes or no",
    [(f"{KENYA}\nMount Kenya is in France.", "no"), (f"{KENYA}\nMount Kenya is in Kenya.", "yes")],
)


async def retrieve(question: Question, ctx: Context) -> AsyncIterator[Passage]:
    for passage in look_up(question.text, RETRIEVED):
        yield passage


def passages_of(found: list[Passage]) -> Passages:
    return Passages(passages=found)


async def write(question: Question, found: Passages, ctx: Context) -> AsyncIterator[Sentence]:
    """A sentence goes out as soon as it is whole, with the passages that it may have come from."""
    asked = ANSWER.ask("\n".join([*(passage.text for passage in found.passages), question.text]))
    async for text in pieces(ctx.engine, asked, "sentence", SENTENCES, max_tokens=120):
        yield Sentence(text=text, sources=found.passages)


async def candidates(sentence: Sentence, ctx: Context) -> AsyncIterator[Sentence]:
    for passage in sentence.sources:
        yield Sentence(text=sentence.text, sources=[passage])


async def supports(pair: Sentence, ctx: Context) -> Support:
    (passage,) = pair.sources
    score = await agrees(ctx.engine, SUPPORT.ask(f"{passage.text}\n{pair.text}"))
    return Support(title=passage.title, score=score)


async def enough(support: Support, ctx: Context) -> bool:
    return bool(support.score >= LEAST)


async def cite(sentence: Sentence, best: list[Support], ctx: Context) -> Citation:
    return Citation(text=sentence.text, titles=[support.title for support in best])


def conclude(question_id: str, cited: Sequence[Citation], failure: Failure | None) -> Told:
    lines = [f"{one.text} [{', '.join(one.titles) or 'no source'}]" for one in cited]
    return Told(question_id=question_id, lines=lines, failure=failure.message if failure else "")


pipeline = p = Pipeline("rag", source=Question)

found = p.source.expand(retrieve, "passage").aggregate(Into(Collect(), passages_of))
sentences = join(p.source, found).expand(write, "sentence", uses="lm", prompt=ANSWER)
supported = sentences.expand(candidates, "candidate").map(supports, uses="lm", prompt=SUPPORT).filter(enough)
best = supported.aggregate(TopK(CITED, key="score"), over="candidate")
cited = join(sentences, best).map(cite)

p.publish(sentences, "sentence")
p.output(cited, "citation", conclude=conclude)


def say(name: str, asked: str, seed: int) -> str:
    """What the scripted model writes: the first sentence of each passage, and one that none supports."""
    *passages, _ = asked.split("\n")
    return " ".join([*(text.split(". ")[0].rstrip(".") + "." for text in passages), "It is well known."])


def judge(name: str, asked: str) -> float:
    passage, sentence = asked.split("\n")
    return 0.0 if sentence.rstrip(".") in passage else -20.0


simulation = simulated(
    pipeline,
    Scripted(say, judge),
    "Where does the Danube begin and end?",
    "Is the sea salty?",
    "Why?",
)

if __name__ == "__main__":
    main("rag", "Where does the river Danube begin and end?", Scripted(say, judge))
