"""Keeps the token embeddings of the passages used last, within a bound in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict

from stages.retrieval.late_interaction import CompactEmbeddings


class PassageCache:
    """Least recently used goes first. May be called from several threads."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        """Bytes of embeddings that may be held."""
        self.held = 0
        self._entries: OrderedDict[int, CompactEmbeddings] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, passage: int) -> CompactEmbeddings | None:
        with self._lock:
            entry = self._entries.get(passage)
            if entry is not None:
                self._entries.move_to_end(passage)
            return entry

    def put(self, passage: int, entry: CompactEmbeddings) -> None:
        """Keeps an entry, unless it alone is over the bound."""
        with self._lock:
            old = self._entries.pop(passage, None)
            if old is not None:
                self.held -= old.nbytes
            if entry.nbytes > self.limit:
                return
            self._entries[passage] = entry
            self.held += entry.nbytes
            while self.held > self.limit:
                _, dropped = self._entries.popitem(last=False)
                self.held -= dropped.nbytes
