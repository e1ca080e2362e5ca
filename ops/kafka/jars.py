"""Kafka's jars: fetched once by jgo, each checked against the sha256 in `jars.lock`, then used without a network."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import shutil
import threading
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alto_streams.errors import AssetError

Progress = Callable[[int, int], None]
"""Called now and then during the first download, with the bytes so far and the bytes in all."""

LOCK = Path(__file__).with_name("jars.lock")
_DOWNLOADS_AT_ONCE = 8
_TIMEOUT_S = 30


@dataclass(frozen=True)
class Jar:
    """One line of the lock: where a jar comes from and what it must be to the byte."""

    group: str
    artifact: str
    version: str
    sha256: str
    size: int

    @property
    def filename(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


def locked_jars() -> list[Jar]:
    """The jars of the lock, in the order of the class path."""
    with LOCK.open("rb") as file:
        entries = tomllib.load(file)["dependencies"]
    return [Jar(e["groupId"], e["artifactId"], e["version"], e["sha256"], e["size"]) for e in entries]


def kafka_folder(cache: Path | None = None) -> Path:
    """Where everything that brokers share is kept; `cache` is the setting's unless given."""
    if cache is None:
        from alto_streams.settings import settings

        cache = settings().cache
    return cache / "kafka"


def cached(cache: Path | None = None) -> bool:
    """Whether every jar is there with its right size; fetches nothing."""
    folder = kafka_folder(cache) / "jars"
    return all(_size(folder / jar.filename) == jar.size for jar in locked_jars())


def fetch(cache: Path | None = None, progress: Progress | None = None) -> list[Path]:
    """The paths of all jars, in the order of the class path; those that are absent or damaged are downloaded (44 MB).

    Hashing what is there costs 0.1 s. Safe when several processes ask at once. Raises AssetError when a jar cannot be
    downloaded or stored, or is not the locked one.
    """
    folder = kafka_folder(cache) / "jars"
    jars = locked_jars()
    try:
        if any(not _is_good(folder / jar.filename, jar) for jar in jars):
            folder.mkdir(parents=True, exist_ok=True)
            with exclusive(folder / ".lock"):
                absent = [jar for jar in jars if not _is_good(folder / jar.filename, jar)]
                _download(absent, folder, progress)
    except OSError as error:
        raise unwritable("Kafka's jars", folder, error) from error
    return [folder / jar.filename for jar in jars]


@contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """One process at a time; the kernel frees the lock of a process that dies."""
    with lock.open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def unwritable(what: str, folder: Path, error: OSError) -> AssetError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return AssetError(
            f"{what} cannot be stored under {folder}: the disk is full.",
            "free 300 MB there, or set ALTO_CACHE to a folder on a larger disk",
        )
    return AssetError(
        f"{what} cannot be stored under {folder}: {error.strerror or error}.",
        "make that folder writable, or set ALTO_CACHE to another one",
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return -1


def _is_good(path: Path, jar: Jar) -> bool:
    return _size(path) == jar.size and _sha256(path) == jar.sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(jars: list[Jar], folder: Path, progress: Progress | None) -> None:
    if not jars:
        return
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext, PythonResolver

    # The folder's name is fixed, so that what a killed download left behind goes with the next one.
    work = folder / ".part"
    shutil.rmtree(work, ignore_errors=True)
    # A company's mirror, named in jgo's own configuration, is asked before Maven Central.
    repositories = dict(GlobalSettings.load().repositories)
    repositories.setdefault("central", MAVEN_CENTRAL_URL)
    meter = _Meter(sum(jar.size for jar in jars), progress)
    resolver = PythonResolver(progress_callback=meter.of_one_file)
    context = MavenContext(resolver=resolver, repo_cache=work, remote_repos=repositories, timeout=_TIMEOUT_S)

    def bring(jar: Jar) -> None:
        artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
        path = resolver.download(artifact)
        if path is None or _sha256(path) != jar.sha256:
            raise AssetError(
                f"Kafka's jar {jar.filename} is not the one in {LOCK.name}: its sha256 differs.",
                "the repository serves another file than Maven Central: correct the repositories in ~/.config/jgo.conf",
            )
        path.replace(folder / jar.filename)

    try:
        with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
            for future in [pool.submit(_reported, bring, jar) for jar in jars]:
                try:
                    future.result()
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _reported(bring: Callable[[Jar], None], jar: Jar) -> None:
    from requests import RequestException

    try:
        bring(jar)
    except (RequestException, RuntimeError) as error:
        # requests wraps what urllib3 says about what the socket said: the innermost is the line that helps.
        cause: BaseException = error
        while cause.__context__ is not None:
            cause = cause.__context__
        raise AssetError(
            f"Kafka's jar {jar.filename} cannot be downloaded from Maven Central: {cause}.",
            "connect to the internet, name a mirror under [repositories] in ~/.config/jgo.conf, "
            "or set ALTO_BROKERS to a Kafka that runs already",
        ) from error


class _Meter:
    """Adds up the bytes of downloads that run side by side."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total = total
        self.done = 0
        self.progress = progress
        self.lock = threading.Lock()

    @contextmanager
    def of_one_file(self, _filename: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield self.add

    def add(self, count: int) -> None:
        with self.lock:
            self.done += count
            if self.progress is not None:
                self.progress(min(self.done, self.total), self.total)
