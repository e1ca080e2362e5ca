"""The grammar of the claims that a sentence can yield: a subject, then words of the sentence in their order.

A small model copies facts from its examples and changes years; under this grammar it can only choose what to leave
out, and a pronoun at the start of the sentence must be replaced by something that the answer or question names.
Claims are thereby faithful to the sentence whatever the model, finite, and free of loops.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from stages.wording import PRONOUNS, STOP_WORDS, names, plain, word_set, words

MAX_CLAIMS = 4
_MAX_WORDS = 48  # of a sentence: the grammar has a rule for each
_MAX_SUBJECTS = 4
_VERBS = word_set("is was are were has had have can could will would may might did does")
_PAST = word_set(
    "became began brought built came died fell fought found gave grew held kept killed knew led left lost made met "
    "moved ran said sent sold spent stood taught took went won wore wrote"
)
_TIE = re.compile(
    r"(?:However|Moreover|Furthermore|Additionally|In addition|Therefore|Thus|Also|Finally|Yes|No),\s+(?=\S)"
)
_SHORT_IS = re.compile(r"^(It|He|She|That|This|There)['\u2019]s\b", re.IGNORECASE)
_SHORT_ARE = re.compile(r"^(They|These|Those)['\u2019]re\b", re.IGNORECASE)
_POSSESSIVE = frozenset(["his", "her", "its", "their"])
_DEMONSTRATIVE = frozenset(["this", "that", "these", "those"])
_AND = frozenset(["and", "but", "while"])
_PREPOSITIONS = word_set("in at on by from with for as to of during after before between since near under over into")
_EDGES = ';:!?()[]{}"\u201c\u201d'


def subject(sentence: str) -> str:
    """What a sentence is about: its words up to a verb that spelling shows, or the name that it starts with.

    >>> subject("The highest mountain in Africa is Kilimanjaro.")
    'The highest mountain in Africa'
    >>> subject("Alexander Fleming discovered penicillin.")
    'Alexander Fleming'
    """
    before: list[str] = []
    for word in sentence.split()[:9]:
        if plain(word) in _VERBS:
            return "" if before and plain(before[0]) in PRONOUNS else " ".join(before).rstrip(",")
        before.append(word)
    start = " ".join(before)
    article = "The " if start.startswith("The ") else ""
    first = names(sentence)[:1]
    return article + first[0] if first and start.startswith(article + first[0]) else ""


def subjects(context: Sequence[str], question: str) -> list[str]:
    """What a pronoun that starts a sentence may stand for, the likeliest first, at most four.

    It is most often the subject of a sentence before; the names of the question serve when none has one.
    """
    found = [about for earlier in reversed(context) if (about := subject(earlier))]
    return list(dict.fromkeys(found or names(question)))[:_MAX_SUBJECTS]


def bare(sentence: str) -> str:
    """The sentence without what ties it to the one before, and with its verb spelled out.

    >>> bare("However, it's a city."), bare("It's a city.")
    ('It is a city.', 'It is a city.')
    """
    sentence = _TIE.sub("", sentence.strip())
    sentence = _SHORT_IS.sub(r"\1 is", sentence, count=1)
    sentence = _SHORT_ARE.sub(r"\1 are", sentence, count=1)
    return sentence[:1].upper() + sentence[1:]


def pronoun(sentence: str) -> str:
    """The pronoun that the sentence starts with, plain, or ""."""
    first = words(sentence)[:1]
    return first[0] if first and first[0] in PRONOUNS else ""


def claim_grammar(sentence: str, context: Sequence[str], question: str) -> str:
    """GBNF for one to four lines, each a claim: the sentence's, then one for each further clause.

    Empty when the sentence has no words, or too many for a grammar of its own.
    """
    tokens = [stripped for word in sentence.split() if words(stripped := word.strip(_EDGES))]
    if tokens:
        tokens[-1] = tokens[-1].rstrip(".")
    if not tokens or len(tokens) > _MAX_WORDS:
        return ""
    spelled = [plain(token.strip(",.")) for token in tokens]
    verb = next((index for index, word in enumerate(spelled) if word in _VERBS), 0)
    after_and = [index + 1 for index, word in enumerate(spelled[:-1]) if word in _AND]
    clauses = [index for index in after_and if index > max(verb, 1) and _begins_clause(spelled[index])]
    landings = {index for index, word in enumerate(spelled) if word in _AND | _PREPOSITIONS} | set(after_and)

    standing = subjects(context, question) if pronoun(sentence) and len(tokens) > 1 else []
    own = subject(sentence)
    more = f' ("\\n" clause){{0,{min(len(clauses), MAX_CLAIMS - 1)}}}' if clauses and (standing or own) else ""
    rules = [f"root ::= claim{more}"]
    if standing:
        possessive = ' "\'s"' if spelled[0] in _POSSESSIVE else ""
        onward = [1]
        if spelled[0] in _DEMONSTRATIVE and verb != 1:  # "This process is ...": from the subject to the verb
            onward = [verb] if 1 < verb < 6 else [2, 3]
        onward = [index for index in onward if index < len(tokens)] or [1]
        rules.append(f"claim ::= subject{possessive} {_onward([*onward, *clauses])}")
    else:
        rules.append("claim ::= w0")
    if more:
        rules.append(f"clause ::= subject {_onward(clauses)}")
    if standing or more:
        rules.append("subject ::= " + " | ".join(_quote(name) for name in standing or [own]))
    for index, token in enumerate(tokens):
        rest = range(index + 1, len(tokens))
        onward = [j for j in rest if j == index + 1 or (j in landings and spelled[index] not in STOP_WORDS)]
        ways = [_onward(onward, after_comma=token.endswith(","))] if onward else []
        if not ways or (index >= max(verb, 1) and spelled[index] not in STOP_WORDS):
            ways.append('"."')
        rules.append(f"w{index} ::= {_quote(token.rstrip(','))} ({' | '.join(ways)})")
    return "\n".join(rules)


def _begins_clause(word: str) -> bool:
    return word in _VERBS or word in _PAST or (word.endswith("ed") and len(word) > 4)


def _onward(targets: Sequence[int], after_comma: bool = False) -> str:
    comma = '","? ' if after_comma else ""
    return f'{comma}" " (' + " | ".join(f"w{index}" for index in dict.fromkeys(targets)) + ")"


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
