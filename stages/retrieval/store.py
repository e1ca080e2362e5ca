"""Folders of read-only files that are built once, shared by every process, and checked each time they are opened.

The manifest holds each file's size and CRC-32. A folder that lost bytes (a full disk, a pulled plug, a stray edit) is
built again; a builder works aside and renames, so that nobody sees half a folder; a lock keeps it to one builder at a
time, and the kernel drops the lock of a builder that dies. Checking costs one read of the files, about 1 ms a MB.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from alto_streams.errors import AssetError

MANIFEST = "manifest.json"
_CHUNK = 1 << 20


def built(folder: Path, build: Callable[[Path], None]) -> Path:
    """`folder`, filled by `build(empty folder)` unless an earlier call left it whole. Raises AssetError."""
    if is_whole(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_name(folder.name + ".lock")):
            if not is_whole(folder):
                _build_aside(folder, build)
    except OSError as error:
        raise AssetError(
            f"cannot build {folder}: {error.strerror or error}.",
            "free some disk space there, or set ALTO_CACHE to a folder that you can write to",
        ) from error
    return folder


def is_whole(folder: Path) -> bool:
    """Whether every file is there with the bytes that were written."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        return bool(manifest) and all(_print_of(folder / name) == entry for name, entry in manifest.items())
    except (OSError, ValueError, AttributeError):
        return False


def _build_aside(folder: Path, build: Callable[[Path], None]) -> None:
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        build(aside)
        manifest = {file.name: _print_of(file) for file in sorted(aside.iterdir())}
        (aside / MANIFEST).write_text(json.dumps(manifest))
        # Readers of a damaged folder keep their open maps; a rename onto it needs it gone first.
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
    finally:
        with suppress(FileNotFoundError):
            shutil.rmtree(aside)


def _print_of(file: Path) -> list[int]:
    crc = 0
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            crc = zlib.crc32(chunk, crc)
        return [stream.tell(), crc]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
