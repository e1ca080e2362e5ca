"""Stage 1, question answering: a question to the sentences of a short answer, each as soon as it is complete."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from alto_streams.context import Context
from alto_streams.engines.protocol import Prompt, Sampling
from alto_streams.quanta import Sentences
from schemas.question_pb2 import Question
from schemas.sentence_pb2 import Sentence
from stages.wording import words

SYSTEM = (
    "You are an encyclopedia. Answer in two to four short sentences. Each sentence states one fact and names the "
    "people, places and dates. Do not use lists."
)
# Subjects that few people ask about, so that an example that leaks into an answer shows.
EXAMPLES = (
    (
        "Who designed the Sydney Opera House?",
        "The Sydney Opera House was designed by the Danish architect Jørn Utzon. Utzon won an international "
        "competition for the design in 1957. The building was opened by Queen Elizabeth II on 20 October 1973.",
    ),
    (
        "What is basalt?",
        "Basalt is a dark volcanic rock. It forms when lava rich in magnesium and iron cools quickly at the "
        "surface. Basalt makes up most of the ocean floor.",
    ),
)
MAX_SENTENCES = 4
MAX_WORDS = 60  # of a sentence; a longer one is most often a model that loops
SAMPLING = Sampling(max_tokens=200, stop=("\n",))
ANSWER_PROMPT = Prompt.few_shot("answer", SYSTEM, EXAMPLES)


def prompt(question: str) -> Prompt:
    """The chat whose continuation answers the question."""
    return ANSWER_PROMPT.ask(question)


async def answer(question: Question, ctx: Context) -> AsyncIterator[Sentence]:
    """Ends, and stops the engine, at the fourth sentence or where the model starts to repeat itself.

    A sentence that is too long is left out, unless it is the first: its beginning is then the whole answer.
    """
    cutter = Sentences()
    earlier: list[str] = []
    async with aclosing(ctx.engine.generate(prompt(question.text), SAMPLING)) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            for text in cutter.feed(chunk):
                if not _is_new(text, earlier):
                    return
                yield Sentence(text=text, question=question.text, context=earlier)
                earlier.append(text)
                if len(earlier) == MAX_SENTENCES:
                    return
            said = cutter.pending.split()
            if len(said) > MAX_WORDS:
                if not earlier:
                    yield Sentence(text=_beginning(said), question=question.text)
                return
    for text in cutter.end():
        # What the token limit cut off is no sentence, unless it is all there is.
        if _is_new(text, earlier) and len(earlier) < MAX_SENTENCES and (text[-1] in ".!?\"')" or not earlier):
            yield Sentence(text=text, question=question.text, context=earlier)
            earlier.append(text)


def _beginning(said: Sequence[str]) -> str:
    """As many words as a sentence may have, without the clause that this cuts off, if there is one."""
    text = " ".join(said[:MAX_WORDS])
    clause = max(text.rfind(", "), text.rfind("; "))
    return f"{text[:clause]}." if clause > len(text) // 2 else text


def _is_new(text: str, earlier: list[str]) -> bool:
    said = words(text)
    return bool(said) and all(said != words(sentence) for sentence in earlier)
