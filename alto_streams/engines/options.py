"""Log probabilities of answer options, read from a server's most likely next tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence

SHORTEST_PIECE = 2


def log_probabilities(candidates: Sequence[tuple[str, float]], options: Sequence[str]) -> list[float]:
    """Natural-log probability of each option as the next token, from `candidates`, pairs of token and log probability.

    Tokens are compared without surrounding white space and letter case, and the variants are summed: "Yes", " Yes"
    and "yes" are one option. Where no token is the whole option, the longest tokens that begin it, and no other
    option, stand for it ("Support" for "Supported"). An option that no candidate begins gets the smallest log
    probability seen: it is at most that. So options should differ in their first token.

    >>> [round(x, 2) for x in log_probabilities([(" Yes", -0.5), ("No", -1.5), ("yes", -2.0)], ["Yes", "No"])]
    [-0.3, -1.5]
    >>> log_probabilities([("Yes", -0.5), ("Maybe", -4.0)], ["Yes", "No"])
    [-0.5, -4.0]
    """
    wanted = [_plain(option) for option in options]
    pieces = [(_plain(token), value) for token, value in candidates if math.isfinite(value)]
    floor = min((value for _, value in pieces), default=-math.inf)
    sums = [_log_sum(_standing_for(option, wanted, pieces)) for option in wanted]
    return [floor if value is None else value for value in sums]


def _standing_for(option: str, wanted: Sequence[str], pieces: Sequence[tuple[str, float]]) -> list[float]:
    longest = max((len(piece) for piece, _ in pieces if _begins(piece, option, wanted)), default=0)
    return [value for piece, value in pieces if len(piece) == longest and _begins(piece, option, wanted)]


def _begins(piece: str, option: str, wanted: Sequence[str]) -> bool:
    if piece == option:
        return True
    others = [other for other in wanted if other != option]
    return (
        len(piece) >= SHORTEST_PIECE
        and option.startswith(piece)
        and not any(other.startswith(piece) for other in others)
    )


def _log_sum(values: Sequence[float]) -> float | None:
    if not values:
        return None
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values))


def _plain(text: str) -> str:
    return text.strip().casefold()
