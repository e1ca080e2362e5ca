"""What the emulated engine says: text of the sizes drawn, that the pipeline's stages can cut, and that says what it is.

Prose is sentences; a list has one item a line. The words are those of what was asked, in another order, so
that stages which accept nothing new accept them. Every sentence, claim and query begins with "emulated".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from random import Random

MARK = "emulated"
SENTENCES = 4
SENTENCE_WORDS = 16  # an answer of more words has more sentences, up to four, then longer ones, then more again
LONGEST_SENTENCE = 48  # a longer one is taken for a model that loops
TRIES = 8
_WORD = re.compile(r"[^\W_]+(?:['\u2019.\-][^\W_]+)*")
_LABEL = re.compile(r"^\w+: ", re.MULTILINE)
_FILLERS = ("and", "of", "to", "in", "with", "for", "by", "from", "on", "at", "as", "the")
_LONG = 5  # letters: a shorter word may be a title or an abbreviation, which ends no sentence


def vocabulary(asked: str) -> list[str]:
    """The words of the last thing asked, each once, without the labels that lines begin with.

    >>> vocabulary("Claim: Basalt is a dark, dark rock.")
    ['basalt', 'is', 'a', 'dark', 'rock']
    """
    found = dict.fromkeys(word.lower() for word in _WORD.findall(_LABEL.sub("", asked)))
    return [word for word in found if word != MARK and word not in _FILLERS]


def prose(words: int, asked: str, random: Random) -> list[str]:
    """One text a word: so many words in sentences of like lengths, four at most where that will do."""
    count = max(min(SENTENCES, -(-words // SENTENCE_WORDS)), -(-words // LONGEST_SENTENCE))
    cuts = [words * number // count for number in range(count + 1)]
    sizes = [end - start for start, end in pairwise(cuts)]
    return _spaced(_phrases(sizes, vocabulary(asked), random, stop="."), between=" ")


def listing(sizes: Sequence[int], asked: str, random: Random, stop: str) -> list[str]:
    """One text a word: lines of so many words, no two alike where there are words enough; `stop` ends each.

    >>> listing([1, 3], "Claim: Basalt is volcanic.", Random(1), stop="")
    ['emulated\\n', 'emulated', ' volcanic', ' is']
    """
    return _spaced(_phrases(sizes, vocabulary(asked), random, stop), between="\n")


def _phrases(sizes: Sequence[int], words: list[str], random: Random, stop: str) -> list[list[str]]:
    phrases: list[list[str]] = []
    for size in sizes:
        for _ in range(TRIES):
            phrase = _phrase(size, words, random, stop)
            if phrase not in phrases:
                break
        else:
            if not stop:  # a query may have a word that nobody said
                phrase[0] += str(len(phrases) + 1)
        phrases.append(phrase)
    return phrases


def _phrase(size: int, words: list[str], random: Random, stop: str) -> list[str]:
    said = random.sample(words, min(size - 1, len(words)))
    said += random.choices(_FILLERS, k=size - 1 - len(said))
    last = next((index for index in reversed(range(len(said))) if len(said[index]) >= _LONG), None)
    if stop and last is not None:
        said.append(said.pop(last))
    said.insert(0, MARK.capitalize() if stop else MARK)
    said[-1] += stop
    return said


def _spaced(phrases: list[list[str]], between: str) -> list[str]:
    """A line break belongs to the word before it, so that a line is known to be complete with its last word."""
    texts: list[str] = []
    for number, phrase in enumerate(phrases):
        if number and between == "\n":
            texts[-1] += between
        first = " " + phrase[0] if number and between == " " else phrase[0]
        texts += [first, *(f" {word}" for word in phrase[1:])]
    return texts
