"""The usual measures of a ranking, over names rather than passages: of passages with one name the best counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def reciprocal_rank(ranking: Sequence[str], relevant: Collection[str], cut: int = 10) -> float:
    """1 / rank of the first relevant name among the first `cut`, else 0.

    >>> reciprocal_rank(["a", "a", "b"], {"b"})
    0.5
    """
    distinct = list(dict.fromkeys(ranking))[:cut]
    return next((1 / rank for rank, name in enumerate(distinct, 1) if name in relevant), 0.0)


def recall(ranking: Sequence[str], relevant: Collection[str], cut: int = 100) -> float:
    """The share of the relevant names among the first `cut`.

    >>> recall(["a", "a", "b"], {"b", "c"})
    0.5
    """
    return len(set(list(dict.fromkeys(ranking))[:cut]) & set(relevant)) / len(relevant)
