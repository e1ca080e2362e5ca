"""Text to index terms, the way Lucene's English analyzer does it, so that scores compare with Lucene's.

Words by Unicode's word-break rules (UAX 29, the cases that prose has), possessive `'s` off, lower case, Lucene's 33
stop words out, Porter's stems. No token spans white space: the terms of a text are the terms of its words, in order,
which is what lets a query be scored word by word while it is still being written.
"""

from __future__ import annotations

import re

from stages.retrieval.porter import stem

VERSION = 1  # part of every index's name: raise it when equal text may give other terms

_STOP_WORDS = (
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they "
    "this to was will with"
)
STOP_WORDS = frozenset(_STOP_WORDS.split())
_MARKS = "\u0300-\u036f\u200d"  # combining marks and the joiner belong to the letter before them
_IDEOGRAPH = "\u3040-\u309f\u3400-\u4dbf\u4e00-\u9fff"  # each is a word of its own, as Lucene has it
_RUN = rf"(?:(?![{_IDEOGRAPH}])\w[{_MARKS}]*)+"
_BETWEEN_LETTERS = rf"(?<=[^\W\d_{_IDEOGRAPH}])[.:'\u2018\u2019\u00b7](?=[^\W\d_{_IDEOGRAPH}])"
_BETWEEN_DIGITS = r"(?<=\d)[.,;'\u2018\u2019](?=\d)"
_WORD = re.compile(rf"[{_IDEOGRAPH}]|{_RUN}(?:(?:{_BETWEEN_LETTERS}|{_BETWEEN_DIGITS}){_RUN})*")
_POSSESSIVE = re.compile(r"['\u2019\uff07][sS]$")


def analyze(text: str) -> list[str]:
    """The index terms of a text, repeats kept.

    >>> analyze("Lucene's analyzers don't index the U.S. as 3,000 possibilities")
    ['lucen', 'analyz', "don't", 'index', 'u.', '3,000', 'possibl']
    """
    terms = []
    for word in _WORD.findall(text):
        term = _POSSESSIVE.sub("", word).lower()
        if term not in STOP_WORDS and term.strip("_"):
            terms.append(stem(term))
    return terms
