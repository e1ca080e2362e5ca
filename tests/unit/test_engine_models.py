"""Fetching a named model from a hub: resumed, verified, and clear when it fails."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alto_streams.cli.model import app
from alto_streams.engines import models
from alto_streams.engines.models import NamedModel, get_model
from alto_streams.errors import AssetError, SettingError
from alto_streams.settings import settings

CONTENT = b"GGUF" + bytes(range(256)) * 4096
REVISION = "0123456789abcdef0123456789abcdef01234567"
TINY = NamedModel(
    name="tiny",
    repository="someone/tiny-GGUF",
    revision=REVISION,
    filename="tiny.gguf",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    licence="Apache-2.0",
    remark="for tests",
)


class Hub(ThreadingHTTPServer):
    """As much of the hub as one file needs. `break_after` ends a transfer early; `ranges` keeps what was asked."""

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), HubRequest)
        self.content = content
        self.break_after: int | None = None
        self.ranges: list[str | None] = []


class HubRequest(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.answer(self.server.content, 200)

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
        self.answer(self.server.content[start:], 206 if asked else 200)

    def answer(self, body: bytes, status: int) -> None:
        if self.path != f"/someone/tiny-GGUF/resolve/{REVISION}/tiny.gguf":
            self.send_error(404)
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"' + hashlib.sha256(self.server.content).hexdigest() + '"')
        self.send_header("X-Repo-Commit", REVISION)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[: self.server.break_after])
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    monkeypatch.setattr(models, "CATALOGUE", (TINY,))
    server = Hub(CONTENT)
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_model_is_fetched_once_with_progress(hub: Hub, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = get_model("tiny", lambda done, total: seen.append((done, total)), tmp_path)
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert get_model("tiny", cache=tmp_path) == path
    assert len(hub.ranges) == 1
    assert [item.name for item in (tmp_path / "models").iterdir() if item.is_file()] == ["tiny.gguf"]


def test_an_interrupted_download_goes_on_where_it_stopped(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 64 * 1024)
    hub.break_after = 400_000
    with pytest.raises(AssetError, match="cannot be fetched") as raised:
        get_model("tiny", cache=tmp_path)
    assert "goes on" in raised.value.mend
    assert not TINY.path(tmp_path).exists()
    hub.break_after = None
    seen: list[int] = []
    assert get_model("tiny", lambda done, _: seen.append(done), tmp_path).read_bytes() == CONTENT
    start = int((hub.ranges[-1] or "").removeprefix("bytes=").rstrip("-"))
    assert 0 < start <= 400_000
    assert seen[0] == start


def test_a_file_of_the_wrong_sha256_is_not_kept(hub: Hub, tmp_path: Path) -> None:
    hub.content = CONTENT[::-1]
    with pytest.raises(AssetError, match=TINY.sha256):
        get_model("tiny", cache=tmp_path)
    assert [item for item in tmp_path.rglob("*") if item.is_file() and item.stat().st_size == len(CONTENT)] == []
    hub.content = CONTENT
    assert get_model("tiny", cache=tmp_path).read_bytes() == CONTENT


def test_a_file_that_rotted_is_fetched_again(hub: Hub, tmp_path: Path) -> None:
    place = TINY.path(tmp_path)
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT[::-1])
    assert get_model("tiny", cache=tmp_path).read_bytes() == CONTENT


def test_a_hub_out_of_reach_is_one_clear_error(hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(AssetError, match="cannot be fetched from the Hugging Face hub") as raised:
        get_model("tiny", cache=tmp_path)
    assert "\n" not in str(raised.value)
    assert "http://127.0.0.1:9 " in raised.value.message
    assert "HF_ENDPOINT" in raised.value.mend


def test_a_revision_that_the_hub_lacks_is_one_clear_error(hub: Hub, tmp_path: Path) -> None:
    hub.RequestHandlerClass = type("Empty", (HubRequest,), {"do_HEAD": lambda self: self.send_error(404)})
    with pytest.raises(AssetError, match="cannot be fetched"):
        get_model("tiny", cache=tmp_path)


def test_an_unknown_name_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"gpt-9.*qwen2\.5-coder-1\.5b"):
        get_model("gpt-9", cache=tmp_path)


def test_the_catalogue_is_pinned() -> None:
    for model in models.list_models():
        assert len(bytes.fromhex(model.revision)) == 20
        assert len(bytes.fromhex(model.sha256)) == 32
    assert len({model.name for model in models.CATALOGUE}) == len(models.CATALOGUE)


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("ALTO_CACHE", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def test_the_command_prints_how_to_use_the_model(hub: Hub, cache: Path) -> None:
    ended = CliRunner().invoke(app, ["get", "tiny"])
    assert ended.exit_code == 0
    assert f"export ALTO_MODEL={TINY.path(cache)}" in ended.stdout
    assert "tiny" in CliRunner().invoke(app, ["list"]).stdout


def test_the_command_fails_in_one_line(hub: Hub, cache: Path) -> None:
    ended = CliRunner().invoke(app, ["get", "gpt-9"])
    assert ended.exit_code == 1
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
