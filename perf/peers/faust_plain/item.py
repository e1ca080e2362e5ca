"""What keeps items together: where they come from, and the key that takes those of one group to one worker."""

from __future__ import annotations

from collections.abc import Sequence

from perf.peers.faust_plain.item_pb2 import Item

Place = tuple[str | int, ...]


def place(item: Item, depth: int) -> Place:
    """The question and the first `depth` indices: equal for the items of one group."""
    return (item.question, *item.path[:depth])


def key(question: str, path: Sequence[int] = ()) -> bytes:
    """Of the items of one group.

    >>> key("q", [0, 2])
    b'q/0/2'
    """
    return "/".join((question, *map(str, path))).encode()
