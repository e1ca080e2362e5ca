"""What a text names: its content words, numbers and names, by spelling alone."""

from __future__ import annotations

import re
import unicodedata


def word_set(words: str) -> frozenset[str]:
    """The words of a list that is written with spaces."""
    return frozenset(words.split())


STOP_WORDS = word_set(
    "a about above after again against all also although am among an and any are as at be became because been "
    "before being below between both but by can could did do does doing down during each either else ever few "
    "for from further had has have having he her here hers him his how however i if in into is it its itself "
    "just many may me might more most much must my neither no nor not of off on once one only or other our out "
    "over own per same she should since so some such than that the their theirs them then there these they this "
    "those through to too under until up upon us very was we were what when where whether which while who whom "
    "whose why will with within without would you your yet"
)
PRONOUNS = word_set("he she it they this that these those his her hers its their theirs him them")
NEGATIONS = word_set("not no never neither nor none cannot without nobody nothing n't")
_WORD = re.compile(r"[^\W_]+(?:['\u2019.\-][^\W_]+)*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_JOINING = word_set("of the de von van der da la le al bin and for in")
_EDGES = ".,;:!?()[]{}\"'\u201c\u201d\u2018\u2019"


def plain(word: str) -> str:
    """Lower case, without accents or a possessive, so that spellings compare.

    >>> plain("Jørgensen's"), plain("Época")
    ('jørgensen', 'epoca')
    """
    word = word.lower()
    if not word.isascii():  # which few are
        decomposed = unicodedata.normalize("NFKD", word.replace("\u2019", "'"))
        word = "".join(character for character in decomposed if not unicodedata.combining(character))
    return word.removesuffix("'s").strip("'")


def words(text: str) -> list[str]:
    """Every word, plain, in order."""
    return [plain(word) for word in _WORD.findall(text)]


def content_words(text: str) -> list[str]:
    """The words that carry meaning, plain, in order, each once.

    >>> content_words("The river Rhine flows into the North Sea.")
    ['river', 'rhine', 'flows', 'north', 'sea']
    """
    return list(dict.fromkeys(word for word in words(text) if word not in STOP_WORDS))


def numbers(text: str) -> list[str]:
    """Every number, without thousands separators.

    >>> numbers("It sold 1,200 copies in 1999 for 3.5 pounds.")
    ['1200', '1999', '3.5']
    """
    return [re.sub(r",(?=\d{3}\b)", "", number) for number in _NUMBER.findall(text)]


def names(text: str) -> list[str]:
    """Runs of capitalised words, each once; a sentence's first word counts when it is no stop word.

    >>> names("The Duke of York met Ada Lovelace, and Paris was cold.")
    ['Duke of York', 'Ada Lovelace', 'Paris']
    >>> names("It was Super Bowl 50.")
    ['Super Bowl 50']
    """
    found: list[str] = []
    run: list[str] = []
    joining: list[str] = []

    def close() -> None:
        if run:
            found.append(" ".join(run))
        run.clear()
        joining.clear()

    for raw in text.split():
        word = raw.strip(_EDGES)
        if raw[:1] in _EDGES:
            close()
        if word[:1].isupper() and plain(word) not in STOP_WORDS:
            run.extend([*joining, word] if run else [word])
            joining.clear()
        elif run and not joining and re.fullmatch(r"\d+\w*", word):
            run.append(word)  # Apollo 11
        elif run and word in _JOINING and len(joining) < 2 and word != "and":
            joining.append(word)
        else:
            close()
        if raw[-1:] in _EDGES and not re.fullmatch(r"(?:[A-Z]\.)+|(?:Dr|Mr|Mrs|St|Jr|Sr)\.", raw):
            close()
    close()
    return list(dict.fromkeys(found))
