"""The records of the benchmark: words of search queries, four levels deep, as a busy FacTool has them in flight.

Many scopes are open at a time and take turns, so a record's neighbours belong to other scopes and other questions.
"""

from __future__ import annotations

from random import Random
from uuid import UUID

from alto_streams.ancestry import Ancestry, Attempt
from alto_streams.effects import Delivery
from alto_streams.execution import attempt_of
from alto_streams.record import Kind, Record

WORDS = 8  # of a query; its count is the ninth record of its scope
OPEN = 64  # scopes that take turns
LEVELS = ("sentence", "claim", "query", "token")
EPOCH = 300
GENERATIONS = (1_000, 10_000)
OFFSETS = (1_000_000, 10_000_000)
PARTITIONS = 64
NOW_MS = 1_800_000_000_000


def tokens(scopes: int, seed: int = 0) -> list[Record]:
    """The records of so many scopes, two to a question: words, and the count after the last of them.

    >>> records = tokens(2)
    >>> len(records), {len(record.ancestry.path) for record in records if record.kind is Kind.ITEM}
    (18, {4})
    """
    random = Random(seed)
    queries = [query for _ in range((scopes + 1) // 2) for query in _question(random)][:scopes]
    written = [_scope(query, attempt, deadline) for query, attempt, deadline in queries]
    turns = [written[start : start + OPEN] for start in range(0, scopes, OPEN)]
    return [scope[place] for together in turns for place in range(WORDS + 1) for scope in together]


def _question(random: Random) -> list[tuple[Ancestry, Attempt, int]]:
    """Two queries of one claim, the run that wrote them, and the question's deadline."""
    question = Ancestry(UUID(int=random.getrandbits(128), version=4).hex)
    sentence = question.child(random.randrange(6), _attempt(random))
    claim = sentence.child(random.randrange(3), _attempt(random))
    run = _attempt(random)
    deadline = NOW_MS + random.randrange(60_000)
    return [(claim.child(query, run), run, deadline) for query in range(2)]


def _attempt(random: Random) -> Attempt:
    return attempt_of(
        random.randrange(*GENERATIONS), Delivery(random.randrange(PARTITIONS), random.randrange(*OFFSETS))
    )


def _scope(query: Ancestry, run: Attempt, deadline: int) -> list[Record]:
    """One run writes a query and its words, so both levels have its attempt."""
    words = [Record(Kind.ITEM, 0, query.child(word, run), EPOCH, deadline, b"\n\x06Eiffel") for word in range(WORDS)]
    return [*words, Record(Kind.COUNT, 0, query, EPOCH, deadline, b"", WORDS, run)]
