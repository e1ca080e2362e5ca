"""Keeps the token embeddings of passages on disk, so that no process on this machine encodes a passage twice.

One file a passage (40 kB for a lead), renamed into place and guarded by a CRC-32. A store that is full takes no more;
it never fails: what cannot be read or written is encoded again.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np

from stages.retrieval.late_interaction import CompactEmbeddings

VERSION = 1  # part of the folder's name: raise it when the bytes change their meaning
_RECOUNT = 64


class EmbeddingStore:
    """Files under `folder`, at most `limit` bytes and `_RECOUNT` files more for each process that writes."""

    def __init__(self, folder: Path, limit: int, dimensions: int) -> None:
        self._folder = folder
        self._limit = limit
        self._dimensions = dimensions
        self._until_recount = 0
        self._full = False

    def get(self, passage: int) -> CompactEmbeddings | None:
        try:
            data = self._file(passage).read_bytes()
        except OSError:
            return None
        body, crc = data[:-4], data[-4:]
        tokens, rest = divmod(len(body), self._dimensions + 4)
        if rest or not tokens or zlib.crc32(body).to_bytes(4, "little") != crc:
            return None
        scales = np.frombuffer(body, dtype="<f4", count=tokens)
        codes = np.frombuffer(body, dtype=np.int8, offset=4 * tokens)
        return CompactEmbeddings(codes.reshape(tokens, self._dimensions), scales)

    def put(self, passage: int, entry: CompactEmbeddings) -> None:
        with suppress(OSError):
            if self._is_full():
                return
            body = entry.scales.astype("<f4").tobytes() + entry.codes.tobytes()
            descriptor, aside = tempfile.mkstemp(dir=self._folder)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(body + zlib.crc32(body).to_bytes(4, "little"))
                Path(aside).rename(self._file(passage))
            except OSError:
                Path(aside).unlink(missing_ok=True)
                raise

    def _is_full(self) -> bool:
        """Counts again now and then: other processes write to the same folder."""
        if self._until_recount == 0:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._full = sum(entry.stat().st_size for entry in os.scandir(self._folder)) >= self._limit
            self._until_recount = _RECOUNT
        self._until_recount -= 1
        return self._full

    def _file(self, passage: int) -> Path:
        return self._folder / f"{passage}.emb"
