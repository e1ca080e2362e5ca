"""The grammar of the search queries of a claim: some of its words, in their order, names kept whole.

Free of it, a small model invents people and loops; a query with a wrong name fetches a wrong page, and that page then
looks like evidence. So the model chooses which words of the claim to search for, and how to split them up; the first
query has every name of the claim.
"""

from __future__ import annotations

from collections.abc import Iterable

from stages.wording import STOP_WORDS, names, plain

MAX_QUERIES = 3
_MAX_TOKENS = 40  # of a claim: the grammar has four rules for each
_EDGES = '.,;:!?()[]{}"\u201c\u201d'


def terms(claim: str) -> list[str]:
    """The claim's content words as they are spelled, the names whole, in order.

    >>> terms("Ada Lovelace was born in the city of London.")
    ['Ada Lovelace', 'born', 'city', 'London']
    """
    rest = [stripped for word in claim.split() if (stripped := word.strip(_EDGES))]
    whole = [[part.strip(_EDGES) for part in name.split()] for name in names(claim)]
    found: list[str] = []
    while rest:
        name = next((parts for parts in whole if rest[: len(parts)] == parts), rest[:1])
        rest = rest[len(name) :]
        if len(name) > 1 or plain(name[0]) not in STOP_WORDS:
            found.append(" ".join(name))
    return list(dict.fromkeys(found))


def query_grammar(claim: str) -> str:
    """GBNF for one to three lines, each of two terms or more. Empty when the claim has too few or too many."""
    words = terms(claim)
    if not 2 <= len(words) <= _MAX_TOKENS:
        return ""
    is_name = [word[:1].isupper() for word in words]
    until = next((index for index, name in enumerate(is_name) if name), 0)
    rules = [
        f'root ::= first ("\\n" query){{0,{MAX_QUERIES - 1}}}',
        f"first ::= {_any(range(min(until, len(words) - 2) + 1), 'a')}",
        f"query ::= {_any(range(len(words) - 1), 'b')}",
    ]
    for index, word in enumerate(words):
        later = range(index + 1, len(words))
        quoted = _quote(word)
        # a, c: of the first query, which leaves out no name; b, d: of another. a and b need a term after them.
        name = next((j for j in later if is_name[j]), None)
        if later:
            in_first = _any(later if name is None else range(index + 1, name + 1), "c")
            in_other = _any(later, "d")
            rules.append(f'a{index} ::= {quoted} " " ({in_first})')
            rules.append(f'b{index} ::= {quoted} " " ({in_other})')
            rules.append(f'c{index} ::= {quoted} " " ({in_first})' + ("" if name is not None else f" | {quoted}"))
            rules.append(f'd{index} ::= {quoted} (" " ({in_other}))?')
        else:
            rules += [f"c{index} ::= {quoted}", f"d{index} ::= {quoted}"]
    return "\n".join(rules)


def _any(indexes: Iterable[int], kind: str) -> str:
    return " | ".join(f"{kind}{index}" for index in indexes)


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
