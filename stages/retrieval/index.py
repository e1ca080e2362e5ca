"""Exact BM25 over a corpus: each term's contribution to each passage is computed once and memory-mapped.

Lucene's formula (BM25Similarity since Lucene 8), with its one-byte lengths:

    ln(1 + (N - df + 0.5) / (df + 0.5)) * tf / (tf + k1 * (1 - b + b * length / average length))

The contributions form a sparse matrix, stored by term (CSC), so that a query's score is a sum of a few columns and can
be added up while the query is still being written. A term costs its postings: 0.01-0.1 ms at 10,000 passages.

Contributions are rounded to multiples of 2**-30 and kept as float32, so sums in float64 are exact as long as they stay
below 2**23: the order in which a query's words arrive cannot change a score, not even in the last bit.
"""

from __future__ import annotations

import mmap
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from alto_streams.settings import settings
from stages.retrieval import analyzer
from stages.retrieval.analyzer import analyze
from stages.retrieval.corpus import Corpus, Passage
from stages.retrieval.store import built

VERSION = 1  # raise it when the files below change their meaning
K1 = 1.2
B = 0.75
TITLE_WEIGHT = 3
_GRID = 2.0**30


class Terms(Sequence[bytes]):
    """The sorted vocabulary, searched in the mapped file: no dictionary in memory, about 5 us a look-up."""

    def __init__(self, folder: Path) -> None:
        self._offsets = np.load(folder / "term_offsets.npy", mmap_mode="r")
        with (folder / "terms.bin").open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self._bytes[int(self._offsets[index]) : int(self._offsets[index + 1])]

    def find(self, term: str) -> int | None:
        """The term's number, or None where no passage has it."""
        wanted = term.encode()
        at = bisect_left(self, wanted)
        return at if at < len(self) and self[at] == wanted else None


class Index:
    """The mapped files of one index; any number of scorers share it."""

    def __init__(self, folder: Path) -> None:
        self._terms = Terms(folder)
        self._starts = np.load(folder / "starts.npy", mmap_mode="r")
        self._passages = np.load(folder / "passages.npy", mmap_mode="r")
        self._contributions = np.load(folder / "contributions.npy", mmap_mode="r")
        self.size = int(np.load(folder / "size.npy"))
        """How many passages there are."""

    def postings(self, term: str) -> tuple[NDArray[np.uint32], NDArray[np.float32]] | None:
        """The passages that hold a term and what it adds to the score of each."""
        number = self._terms.find(term)
        if number is None:
            return None
        start, end = self._starts[number : number + 2].tolist()
        return self._passages[start:end], self._contributions[start:end]

    def scorer(self) -> Scorer:
        return Scorer(self)


class Scorer:
    """One query's scores, added up word by word: 8 bytes a passage while the query is open."""

    __slots__ = ("_index", "_scores")

    def __init__(self, index: Index) -> None:
        self._index = index
        self._scores = np.zeros(index.size, dtype=np.float64)

    def add(self, text: str) -> None:
        """Adds a piece of the query. The query may be cut at white space, nowhere else."""
        for term in analyze(text):
            postings = self._index.postings(term)
            if postings is not None:
                passages, contributions = postings
                self._scores[passages] += contributions

    def merge(self, other: Scorer) -> None:
        """Adds the words that another scorer of the same index has seen."""
        self._scores += other._scores

    def top(self, k: int) -> list[tuple[int, float]]:
        """The k best passages with their scores, best first, equal scores by passage index; zero is no hit."""
        scores = self._scores
        hits = np.flatnonzero(scores)
        if len(hits) > k:
            threshold = np.partition(scores[hits], -k)[-k]
            hits = hits[scores[hits] >= threshold]
        order = np.lexsort((hits, -scores[hits]))[:k]
        return [(int(passage), float(scores[passage])) for passage in hits[order]]


def quantised_length(length: int) -> int:
    """The length that Lucene's one-byte norm remembers: exact below 40, then four significant bits."""
    if length < 24:
        return length
    rest = length - 24
    shift = max(0, rest.bit_length() - 4)
    return 24 + (rest >> shift << shift)


def index_terms(passage: Passage, title_weight: int = TITLE_WEIGHT) -> list[str]:
    """What is indexed of a passage: its text, and its title as if written `title_weight` times."""
    return analyze(passage.title) * title_weight + analyze(passage.text)


def build_index(corpus: Corpus, home: Path, k1: float = K1, b: float = B, title_weight: int = TITLE_WEIGHT) -> Index:
    """The index of a corpus under `home`, built unless it is there (2-3 s for 10,000 leads). Raises AssetError."""
    name = f"bm25-{corpus.key}-a{analyzer.VERSION}-v{VERSION}-k{k1}-b{b}-t{title_weight}"

    def build(folder: Path) -> None:
        write_index((index_terms(passage, title_weight) for passage in corpus), folder, k1, b)

    return Index(built(home / name, build))


def open_index(corpus: Corpus) -> Index:
    """The index of a corpus in the cache folder of the settings. Raises AssetError."""
    return build_index(corpus, settings().cache / "retrieval")


def write_index(passages: Iterable[Sequence[str]], folder: Path, k1: float, b: float) -> None:
    """Writes the files of an index over passages given as terms."""
    numbers: dict[str, int] = {}
    lengths, terms, owners, frequencies = array("q"), array("q"), array("q"), array("q")
    for owner, words in enumerate(passages):
        lengths.append(len(words))
        for word, frequency in Counter(words).items():
            terms.append(numbers.setdefault(word, len(numbers)))
            owners.append(owner)
            frequencies.append(frequency)

    ordered = sorted(word.encode() for word in numbers)
    rank = np.empty(len(ordered), dtype=np.int64)
    rank[[numbers[word.decode()] for word in ordered]] = np.arange(len(ordered))
    column = rank[np.asarray(terms)] if terms else np.zeros(0, dtype=np.int64)
    order = np.argsort(column, kind="stable")  # stable: passages stay ascending within a term
    owner_of, tf = np.asarray(owners)[order], np.asarray(frequencies, dtype=np.float64)[order]

    df = np.bincount(column, minlength=len(ordered))
    idf = np.log1p((len(lengths) - df + 0.5) / (df + 0.5))
    quantised = np.array([quantised_length(length) for length in lengths], dtype=np.float64)
    norm = k1 * (1 - b + b * quantised / max(1.0, sum(lengths) / max(1, len(lengths))))
    contributions = np.repeat(idf, df) * tf / (tf + norm[owner_of])

    (folder / "terms.bin").write_bytes(b"".join(ordered) or b"\0")  # an empty file cannot be mapped
    np.save(folder / "term_offsets.npy", np.cumsum([0, *map(len, ordered)], dtype=np.int64))
    np.save(folder / "starts.npy", np.concatenate(([0], np.cumsum(df))).astype(np.int64))
    np.save(folder / "passages.npy", owner_of.astype(np.uint32))
    np.save(folder / "contributions.npy", (np.round(contributions * _GRID) / _GRID).astype(np.float32))
    np.save(folder / "size.npy", np.int64(len(lengths)))
