"""Stage 2, claim extraction: a sentence of the answer to its claims, one a line, each as soon as it is complete."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from alto_streams.context import Context
from alto_streams.engines.protocol import Prompt, Sampling
from alto_streams.quanta import Lines
from schemas.claim_pb2 import Claim
from schemas.sentence_pb2 import Sentence
from stages.claim_grammar import MAX_CLAIMS, bare, claim_grammar, pronoun, subjects
from stages.wording import content_words, words

SYSTEM = (
    "Split the sentence into separate facts, one on each line. Write each fact as a full sentence that names its "
    "subject instead of he, she, it or they. Use only what the sentence says."
)
EXAMPLES: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    (
        "Who was Ada Lovelace?",
        ("Ada Lovelace was born in London in 1815.",),
        "She was an English mathematician and worked with Charles Babbage.",
        "Ada Lovelace was an English mathematician.\nAda Lovelace worked with Charles Babbage.",
    ),
    ("What is basalt?", (), "Basalt is a dark volcanic rock.", "Basalt is a dark volcanic rock."),
    (
        "Where is Lake Titicaca?",
        ("Lake Titicaca lies in the Andes.",),
        "It is shared by Bolivia and Peru, and is the largest lake in South America by volume.",
        "Lake Titicaca is shared by Bolivia and Peru.\nLake Titicaca is the largest lake in South America by volume.",
    ),
)
MAX_TOKENS = 160
MAX_CHARS = 400  # of a claim; a longer line is a model that loops


def _ask(sentence: str, context: Sequence[str], question: str) -> str:
    before = f"Before: {' '.join(context)}\n" if context else ""
    return f"Question: {question}\n{before}Sentence: {sentence}"


CLAIMS_PROMPT = Prompt.few_shot(
    "extract_claims", SYSTEM, [(_ask(said, before, asked), claims) for asked, before, said, claims in EXAMPLES]
)


def prompt(sentence: str, context: Sequence[str], question: str) -> Prompt:
    """The chat whose continuation lists the sentence's claims."""
    return CLAIMS_PROMPT.ask(_ask(sentence, context, question))


async def extract_claims(sentence: Sentence, ctx: Context) -> AsyncIterator[Claim]:
    """Claims are new, name their subject and say nothing that the answer does not.

    Where the model yields none, the sentence itself is the claim, its first pronoun replaced where that is sure.
    """
    context = list(sentence.context)
    text = bare(sentence.text)
    grammar = claim_grammar(text, context, sentence.question)
    known = set(words(" ".join([sentence.question, *context, text])))
    seen: list[list[str]] = []
    cutter = Lines()

    def usable(line: str) -> bool:
        said = content_words(line)
        return (
            len(line) <= MAX_CHARS and bool(said) and not pronoun(line) and known.issuperset(said) and said not in seen
        )

    sampling = Sampling(max_tokens=MAX_TOKENS, grammar=grammar or None)
    asked = prompt(text, context, sentence.question)
    async with aclosing(ctx.engine.generate(asked, sampling)) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            for line in cutter.feed(chunk):
                if usable(line):
                    yield Claim(text=line)
                    seen.append(content_words(line))
                elif seen:
                    return  # a small model that repeats itself goes on doing so
                if len(seen) == MAX_CLAIMS:
                    return
            if len(cutter.pending) > MAX_CHARS:
                break
        else:
            for line in cutter.end():
                # Without a full stop the token limit cut the line.
                if line.endswith((".", "!", "?")) and usable(line):
                    yield Claim(text=line)
                    seen.append(content_words(line))
    if not seen and content_words(text):
        yield Claim(text=itself(text, context, sentence.question))


def itself(sentence: str, context: Sequence[str], question: str) -> str:
    """The sentence as a claim of its own."""
    standing = subjects(context, question)
    first, _, rest = sentence.partition(" ")
    if first in ("He", "She", "It", "They") and rest and standing:
        return f"{standing[0]} {rest}"
    return sentence
