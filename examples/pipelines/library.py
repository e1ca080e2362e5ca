"""A library of a few passages and a search by shared words, in place of an index that would have to be built."""

from __future__ import annotations

import re

from examples.pipelines.messages_pb2 import Passage

TEXTS = {
    "Danube": "The Danube is the second longest river in Europe. It flows into the Black Sea.",
    "Donaueschingen": "The Danube begins at Donaueschingen. The town lies in the Black Forest.",
    "Danube Delta": "The Danube Delta is where the river ends. Most of it lies in Romania.",
    "Budapest": "Budapest is the capital of Hungary. The Danube divides it into Buda and Pest.",
    "Vienna": "Vienna is the capital of Austria. It lies on the Danube.",
    "Black Forest": "The Black Forest is a range of mountains. It lies in Germany.",
    "Black Sea": "The Black Sea is an inland sea. It is salty.",
}
COMMON = frozenset({"a", "an", "and", "does", "in", "into", "is", "it", "lies", "of", "on", "the", "what", "where"})


def words(text: str) -> frozenset[str]:
    """The words of a text that say something."""
    return frozenset(re.findall(r"[a-z]+", text.lower())) - COMMON


def look_up(query: str, most: int) -> list[Passage]:
    """The passages that share the most words with a query, the best first; none that shares no word."""
    wanted = words(query)
    shared = {title: len(wanted & words(f"{title} {text}")) for title, text in TEXTS.items()}
    best = sorted((title for title in TEXTS if shared[title]), key=lambda title: -shared[title])[:most]
    return [Passage(title=title, text=TEXTS[title]) for title in best]
