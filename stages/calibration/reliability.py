"""Draws a reliability curve as SVG: of the claims given a probability, how many are true."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

SIZE, MARGIN = 360, 48
BINS = 10


def bins(probabilities: Sequence[float], labels: Sequence[bool]) -> list[tuple[float, float, int]]:
    """(mean probability, part that is true, claims) of each of ten equal bins that holds a claim.

    >>> bins([0.91, 0.99, 0.2], [True, False, False])
    [(0.2, 0.0, 1), (0.95, 0.5, 2)]
    """
    found: dict[int, list[tuple[float, bool]]] = {}
    for probability, label in zip(probabilities, labels, strict=True):
        found.setdefault(min(BINS - 1, int(probability * BINS)), []).append((probability, label))
    return [
        (sum(p for p, _ in inside) / len(inside), sum(label for _, label in inside) / len(inside), len(inside))
        for _, inside in sorted(found.items())
    ]


def draw(probabilities: Sequence[float], labels: Sequence[bool], title: str) -> str:
    """The curve with 95% intervals (Wilson); a dot's area is its bin's number of claims."""
    whole = SIZE + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {whole}" font-family="sans-serif"'
        ' font-size="12">',
        f'<rect width="{whole}" height="{whole}" fill="white"/>',
        f'<text x="{whole / 2}" y="24" text-anchor="middle" font-size="14">{escape(title)}</text>',
        f'<rect x="{MARGIN}" y="{MARGIN}" width="{SIZE}" height="{SIZE}" fill="none" stroke="#999"/>',
        f'<path d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}" stroke="#999" stroke-dasharray="4 4"/>',
    ]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts.append(f'<text x="{_x(tick)}" y="{_y(0) + 16}" text-anchor="middle">{tick}</text>')
        parts.append(f'<text x="{_x(0) - 6}" y="{_y(tick) + 4}" text-anchor="end">{tick}</text>')
    points = bins(probabilities, labels)
    path = "L".join(f"{_x(p)} {_y(true)}" for p, true, _ in points)
    parts.append(f'<path d="M{path}" fill="none" stroke="#1f6feb" stroke-width="2"/>')
    for p, true, count in points:
        low, high = _wilson(true, count)
        parts.append(f'<path d="M{_x(p)} {_y(low)}L{_x(p)} {_y(high)}" stroke="#1f6feb" stroke-opacity="0.5"/>')
        radius = 2 + 8 * math.sqrt(count / len(probabilities))
        parts.append(f'<circle cx="{_x(p)}" cy="{_y(true)}" r="{radius:.1f}" fill="#1f6feb"/>')
    parts.append(
        f'<text x="{whole / 2}" y="{whole - 12}" text-anchor="middle">probability that the claim is supported</text>'
    )
    middle = whole / 2
    parts.append(
        f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">part that is true</text>'
    )
    return "\n".join([*parts, "</svg>\n"])


def _wilson(part: float, count: int) -> tuple[float, float]:
    z = 1.96
    middle = (part + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(part * (1 - part) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def _x(value: float) -> float:
    return round(MARGIN + value * SIZE, 1)


def _y(value: float) -> float:
    return round(MARGIN + (1 - value) * SIZE, 1)
