"""Corpus and index files: built once by whoever comes first, built again when damaged."""

import multiprocessing
import os
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pytest

from alto_streams.errors import AssetError
from stages.retrieval.corpus import Corpus, Passage, build_corpus
from stages.retrieval.index import Index, build_index, quantised_length
from stages.retrieval.store import MANIFEST, built, is_whole

PASSAGES = [
    Passage("Rome", "Rome is the capital of Italy."),
    Passage("Łódź", "Łódź is a city in Poland. 東京 is not."),
    Passage("Empty", ""),
]


def corpus_in(home: Path) -> Corpus:
    return build_corpus(PASSAGES, "corpus-test", home)


def search(index: Index, query: str) -> list[tuple[int, float]]:
    scorer = index.scorer()
    scorer.add(query)
    return scorer.top(10)


def test_corpus_gives_back_its_passages(tmp_path: Path) -> None:
    corpus = corpus_in(tmp_path)
    assert list(corpus) == PASSAGES
    assert [corpus_in(tmp_path)[i] for i in range(3)] == PASSAGES
    for index in (3, -1):
        with pytest.raises(IndexError):
            corpus[index]


def test_corpus_without_passages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="no passages"):
        build_corpus([], "corpus-none", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["corpus-none.lock"]


def test_index_is_named_after_what_it_depends_on(tmp_path: Path) -> None:
    corpus = corpus_in(tmp_path)
    build_index(corpus, tmp_path)
    build_index(corpus, tmp_path, k1=0.9, b=0.4)
    build_index(corpus, tmp_path, title_weight=1)
    assert len([folder for folder in tmp_path.glob("bm25-*") if folder.is_dir()]) == 3


@pytest.mark.parametrize("file", ["terms.bin", "term_offsets.npy", "passages.npy", "contributions.npy", MANIFEST])
@pytest.mark.parametrize("damage", ["truncated", "changed", "gone"])
def test_damaged_index_is_built_again(tmp_path: Path, file: str, damage: str) -> None:
    corpus = corpus_in(tmp_path)
    expected = search(build_index(corpus, tmp_path), "Italy Poland")
    [folder] = [entry for entry in tmp_path.glob("bm25-*") if entry.is_dir()]
    data = (folder / file).read_bytes()
    if damage == "gone":
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(data[: len(data) // 2] if damage == "truncated" else data[:-1] + b"\xff")
    assert not is_whole(folder)
    assert search(build_index(corpus, tmp_path), "Italy Poland") == expected
    assert len(expected) == 2
    assert is_whole(folder)


def test_reader_of_a_damaged_folder_keeps_reading(tmp_path: Path) -> None:
    corpus = corpus_in(tmp_path)
    (tmp_path / "corpus-test" / "offsets.npy").unlink()
    assert list(corpus_in(tmp_path)) == PASSAGES == list(corpus)


def test_failed_build_leaves_nothing_and_the_next_one_succeeds(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(AssetError, match=r"No space left on device.*Mend: .*ALTO_CACHE"):
        built(tmp_path / "thing", fail)
    assert [file.name for file in tmp_path.iterdir()] == ["thing.lock"]
    assert (built(tmp_path / "thing", lambda folder: _write(folder / "whole", "x")) / "whole").read_text() == "x"


def test_unwritable_place_is_an_asset_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AssetError, match="Mend"):
        built(tmp_path / "file" / "thing", lambda folder: None)


def test_processes_that_build_at_once_build_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(3)
    processes = [context.Process(target=_build_slowly, args=(str(tmp_path), together)) for _ in range(3)]
    try:
        for process in processes:
            process.start()
        for process in processes:
            process.join(60)
        assert [process.exitcode for process in processes] == [0] * 3
    finally:
        for process in processes:
            process.kill()
    assert len((tmp_path / "builders").read_text().split()) == 1
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["builders", "thing", "thing.lock"]


def _build_slowly(home: str, together: Barrier) -> None:
    def build(folder: Path) -> None:
        with (Path(home) / "builders").open("a") as log:
            log.write(f"{os.getpid()}\n")
        time.sleep(0.3)
        for number in range(20):
            (folder / f"{number}").write_bytes(b"x" * 100_000)

    together.wait(60)
    folder = built(Path(home) / "thing", build)
    assert len(list(folder.iterdir())) == 21


def _write(file: Path, text: str) -> None:
    file.write_text(text)


def test_contributions_are_on_a_grid_that_float64_sums_exactly(tmp_path: Path) -> None:
    everywhere = [Passage("", "rome " * (1 + number % 7)) for number in range(300)]
    postings = build_index(build_corpus(everywhere, "corpus-rome", tmp_path), tmp_path).postings("rome")
    assert postings is not None
    in_steps = postings[1].astype(np.float64) * 2**30
    assert 0 < in_steps.min() < 2**24  # small enough that a plain float32 would lie between two steps
    np.testing.assert_array_equal(in_steps, np.rint(in_steps))


@pytest.mark.parametrize(
    ("length", "remembered"),
    [(0, 0), (23, 23), (39, 39), (40, 40), (41, 40), (42, 42), (55, 54), (56, 56), (59, 56), (100, 96), (1000, 984)],
)
def test_lengths_are_what_lucene_remembers(length: int, remembered: int) -> None:
    assert quantised_length(length) == remembered
