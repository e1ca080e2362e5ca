"""The records of the benchmark: words of search queries, four levels deep, as a busy FacTool has them in flight.

Fan-out is drawn to the means of FacTool on SQuAD (table 1 of ALTO's paper): 3.3 claims, each of its own sentence here,
2.5 queries a claim, 5.5 words a query. Many scopes are open at a time and take turns, so a record's neighbours belong
to other scopes.
"""

from __future__ import annotations

from itertools import zip_longest
from random import Random
from uuid import UUID

from alto_streams.ancestry import Ancestry, Attempt
from alto_streams.effects import Delivery
from alto_streams.execution import attempt_of
from alto_streams.record import Kind, Record

CLAIMS, QUERIES, WORDS = (1, 2, 3, 4, 5, 5), (1, 2, 3, 4), tuple(range(1, 11))  # drawn evenly
OPEN = 64  # scopes that take turns
LEVELS = ("sentence", "claim", "query", "token")
EPOCH = 300
GENERATIONS = (1_000, 10_000)
OFFSETS = (1_000_000, 10_000_000)
PARTITIONS = 64
NOW_MS = 1_800_000_000_000


def tokens(scopes: int, seed: int = 0) -> list[Record]:
    """The records of so many scopes: words, of which the last one tells how many there are.

    >>> records = tokens(2)
    >>> {record.ancestry.depth for record in records}
    {4}
    >>> [record.kind for record in records].count(Kind.LAST)
    2
    """
    random = Random(seed)
    written: list[list[Record]] = []
    while len(written) < scopes:
        written += _question(random)
    turns = [written[start : min(start + OPEN, scopes)] for start in range(0, scopes, OPEN)]
    return [record for together in turns for one_each in zip_longest(*together) for record in one_each if record]


def firsts(records: list[Record]) -> list[Record]:
    """The first of every scope: nothing is remembered of it."""
    return [record for record in records if record.ancestry.position == 0]


def _question(random: Random) -> list[list[Record]]:
    """The scopes of one question."""
    question = Ancestry(UUID(int=random.getrandbits(128), version=4).hex)
    deadline = NOW_MS + random.randrange(60_000)
    answer = _attempt(random)
    claims = [question.child(index, answer).child(0, _attempt(random)) for index in range(random.choice(CLAIMS))]
    return [scope for claim in claims for scope in _queries(random, claim, deadline)]


def _queries(random: Random, claim: Ancestry, deadline: int) -> list[list[Record]]:
    run = _attempt(random)
    return [
        _scope(claim.child(query, run), run, deadline, random.choice(WORDS)) for query in range(random.choice(QUERIES))
    ]


def _attempt(random: Random) -> Attempt:
    return attempt_of(
        random.randrange(*GENERATIONS), Delivery(random.randrange(PARTITIONS), random.randrange(*OFFSETS))
    )


def _scope(query: Ancestry, run: Attempt, deadline: int, length: int) -> list[Record]:
    """One run writes a query and its words, so both levels have its attempt."""
    kinds = [Kind.ITEM] * (length - 1) + [Kind.LAST]
    return [
        Record(kind, 0, query.child(word, run), EPOCH, deadline, b"\n\x06Eiffel") for word, kind in enumerate(kinds)
    ]
