"""A writer: outlines an article, researches each section with several queries, writes all sections at once, in order.

python -m examples.pipelines.writer
python -m examples.pipelines.writer --kafka "Black Sea"
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from alto_streams.context import Context
from alto_streams.engines.protocol import Prompt, Sampling
from alto_streams.failure import Failure
from alto_streams.operators import Collect, Into
from alto_streams.pipeline import Pipeline, join
from examples.pipelines.asking import first, pieces
from examples.pipelines.command import main
from examples.pipelines.library import look_up
from examples.pipelines.messages_pb2 import Article, Line, Paragraph, Passage, Passages, Section, Told
from examples.pipelines.scripted import Scripted, simulated
from schemas.question_pb2 import Question

FOUND = 2  # passages for each query
SECTIONS, PARAGRAPHS = 4, 4  # at most; so many paragraphs in each section
KENYA = "Mount Kenya is the highest mountain in Kenya. It is an extinct volcano."
OUTLINE = Prompt.few_shot(
    "outline",
    "Outline an article: one heading a line.",
    [("Mount Kenya", "Height of Mount Kenya\nClimate\nAnimals"), ("Rhine", "Source of the Rhine\nCities")],
)
ASK = Prompt.few_shot(
    "ask",
    "What would you look up for this section? One query a line.",
    [("Mount Kenya: Climate", "Mount Kenya weather\nMount Kenya snow"), ("Rhine: Cities", "Rhine city\nRhine port")],
)
WRITE = Prompt.few_shot(
    "write", "Write the section from the notes, in short paragraphs.", [(f"Height of Mount Kenya\n{KENYA}", KENYA)]
)
LEAD = Prompt.few_shot(
    "lead", "Sum the article up in one sentence.", [(KENYA, "Mount Kenya is a volcano and Kenya's highest mountain.")]
)


async def outline(topic: Question, ctx: Context) -> AsyncIterator[Section]:
    """A heading goes out while the next is being written: its research need not wait."""
    async for line in pieces(ctx.engine, OUTLINE.ask(topic.text), "line", SECTIONS, max_tokens=60):
        title = line.lstrip("-*#0123456789.) ")  # a model likes to number what it lists
        if title:
            yield Section(topic=topic.text, title=title)


async def ask(section: Section, ctx: Context) -> AsyncIterator[str]:
    asked = ASK.ask(f"{section.topic}: {section.title}")
    async for text in ctx.engine.generate(asked, Sampling(max_tokens=30)):
        yield text


async def search(query: Line, ctx: Context) -> AsyncIterator[Passage]:
    for passage in look_up(query.text, FOUND):
        yield passage


def notes_of(passages: list[Passage]) -> Passages:
    """Each once, though several queries may find it, in the order in which the queries were asked."""
    return Passages(passages={passage.title: passage for passage in passages}.values())


async def write(section: Section, notes: Passages, ctx: Context) -> AsyncIterator[Paragraph]:
    asked = WRITE.ask("\n".join([section.title, *(passage.text for passage in notes.passages)]))
    async for text in pieces(ctx.engine, asked, "paragraph", PARAGRAPHS, max_tokens=80):
        yield Paragraph(title=section.title, text=text)


def article_of(paragraphs: list[Paragraph]) -> Article:
    return Article(paragraphs=paragraphs)


async def assemble(article: Article, ctx: Context) -> AsyncIterator[Paragraph]:
    """The lead, for which all sections must be there, and then the sections."""
    asked = LEAD.ask("\n".join(paragraph.text for paragraph in article.paragraphs))
    if lead := await first(ctx.engine, asked, "sentence", max_tokens=40):
        yield Paragraph(text=lead)
    for paragraph in article.paragraphs:
        yield paragraph


def conclude(question_id: str, paragraphs: Sequence[Paragraph], failure: Failure | None) -> Told:
    lines = [f"{one.title}: {one.text}" if one.title else one.text for one in paragraphs]
    return Told(question_id=question_id, lines=lines, failure=failure.message if failure else "")


pipeline = p = Pipeline("writer", source=Question)

sections = p.source.expand(outline, "section", uses="lm", prompt=OUTLINE)
queries = sections.expand(ask, "query", cut="line", item=Line, uses="lm", prompt=ASK)
found = queries.expand(search, "passage")
notes = found.aggregate(Into(Collect(), notes_of), over=("query", "passage"))
paragraphs = join(sections, notes).expand(write, "paragraph", uses="lm", prompt=WRITE)
article = paragraphs.aggregate(Into(Collect(), article_of), over=("section", "paragraph"))
parts = article.expand(assemble, "part", uses="lm", prompt=LEAD)

p.publish(sections, "section")
p.publish(queries, "query")
p.publish(paragraphs, "paragraph")
p.output(parts, "part", conclude=conclude)


def say(name: str, asked: str, seed: int) -> str:
    """What the scripted model writes."""
    if name == "outline":
        return f"Source of the {asked}\nCities on the {asked}\nMouth of the {asked}\nSongs"
    if name == "ask":
        topic, heading = asked.split(": ")
        word = {"Source": "begins", "Cities": "capital", "Mouth": "delta"}.get(heading.split(" ")[0])
        return f"{topic} {word}\n{heading}\n" if word else ""
    if name == "write":
        heading, *notes = asked.split("\n")
        return "\n\n".join(note for note in notes if not heading.startswith("Cities") or "capital" in note)
    return f"An article of {len(asked.splitlines())} paragraphs."


simulation = simulated(pipeline, Scripted(say), "Danube", "Black Forest", "Moon")

if __name__ == "__main__":
    main("writer", "Danube", Scripted(say))
