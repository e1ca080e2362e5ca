"""The passages that claims are checked against: titles and texts in one memory-mapped file, opened in milliseconds."""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alto_streams.assets import ASSETS, asset
from alto_streams.errors import AssetError
from alto_streams.settings import settings
from stages.retrieval.store import built

VERSION = 1  # raise it when the files below change their meaning
_SOURCE = "wikipedia-leads"


@dataclass(frozen=True, slots=True)
class Passage:
    title: str
    text: str


class Corpus(Sequence[Passage]):
    """Passages by index. Holds no text in memory of its own: pages of the file come and go with the system's cache."""

    def __init__(self, folder: Path) -> None:
        self.key = folder.name
        """Names the passages and their order: whatever is derived from a corpus carries it."""
        self._offsets = np.load(folder / "offsets.npy", mmap_mode="r")
        with (folder / "text.bin").open("rb") as file:
            self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return len(self._offsets) // 2

    def __getitem__(self, index: int) -> Passage:  # type: ignore[override]
        if not 0 <= index < len(self):
            raise IndexError(f"passage {index} of {len(self)}")
        start, middle, end = self._offsets[2 * index : 2 * index + 3].tolist()
        return Passage(self._text[start:middle].decode(), self._text[middle:end].decode())


def build_corpus(passages: Iterable[Passage], key: str, home: Path) -> Corpus:
    """The corpus named `key` under `home`, written from `passages` unless it is there. Raises AssetError."""

    def build(folder: Path) -> None:
        parts = [part.encode() for passage in passages for part in (passage.title, passage.text)]
        if not parts:
            raise AssetError(f"the corpus {key} has no passages.", "give a file with at least one passage")
        (folder / "text.bin").write_bytes(b"".join(parts) or b"\0")  # an empty file cannot be mapped
        np.save(folder / "offsets.npy", np.cumsum([0, *map(len, parts)], dtype=np.int64))

    return Corpus(built(home / key, build))


def open_corpus() -> Corpus:
    """The demo corpus: the leads of about 10,000 Wikipedia articles. Raises AssetError."""
    key = f"corpus-{ASSETS[_SOURCE].sha256[:16]}-v{VERSION}"
    return build_corpus(_leads(), key, settings().cache / "retrieval")


def _leads() -> Iterator[Passage]:
    """Fetches and reads the asset only when it is iterated, that is, when there is something to build."""
    for lead in json.loads(asset(_SOURCE, verify=True).read_bytes()).values():
        yield Passage(lead["title"], " ".join(lead["extract"].split()))
