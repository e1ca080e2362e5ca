"""The beginnings of prompts that an emulated engine still has, message by message; the least recently used go first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from itertools import count
from typing import NamedTuple

ROOT = 0


class Piece(NamedTuple):
    """A part of a prompt that is cached whole or not at all: a message, of `tokens` tokens."""

    text: Hashable
    tokens: int


class PrefixCache:
    """A tree of pieces, each known by its parent and its text. `size` is in tokens; 0 caches nothing."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.tokens = 0
        self._nodes: OrderedDict[tuple[int, Hashable], tuple[int, int]] = OrderedDict()  # number and tokens
        self._numbers = count(ROOT + 1)

    def take(self, prompt: Sequence[Piece]) -> int:
        """The tokens of the prompt that have to be computed, at least one; all of it is cached from then on."""
        parent, missing, path = ROOT, 0, []
        for piece in prompt:
            key = (parent, piece.text)
            node = self._nodes.get(key)
            if node is None:
                node = self._nodes[key] = (next(self._numbers), piece.tokens)
                self.tokens += piece.tokens
                missing += piece.tokens
            parent = node[0]
            path.append(key)
        for key in reversed(path):  # the end of a prompt goes before its beginning
            self._nodes.move_to_end(key)
        while self.tokens > self.size:
            _, (_, tokens) = self._nodes.popitem(last=False)
            self.tokens -= tokens
        return max(missing, 1)
