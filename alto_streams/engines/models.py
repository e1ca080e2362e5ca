"""A catalogue of better language models on the Hugging Face hub, and fetching one: pinned, resumable, verified.

Each entry's revision, size and sha256 agree in several independent public projects that pin the same file (the hub
publishes the sha256 as the file's LFS object id); the sha256 is checked after the download and decides.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alto_streams.errors import AssetError, SettingError
from alto_streams.settings import settings

Progress = Callable[[int, int], None]
"""Called with the bytes that are here and the bytes of the whole file."""


@dataclass(frozen=True, slots=True)
class NamedModel:
    """One GGUF file of the hub. `size` is in bytes."""

    name: str
    repository: str
    revision: str
    filename: str
    size: int
    sha256: str
    licence: str
    remark: str

    def path(self, cache: Path) -> Path:
        """Where the file lies once it is fetched."""
        return cache / "models" / self.filename


CATALOGUE = (
    NamedModel(
        name="qwen2.5-coder-0.5b",
        repository="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        revision="ebb2015119c907b064c512bf053e945850b5875f",
        filename="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        size=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        licence="Apache-2.0",
        remark="the smallest and quickest of these",
    ),
    NamedModel(
        name="qwen2.5-coder-1.5b",
        repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        revision="f86cb2c1fa58255f8052cc32aeede1b7482d4361",
        filename="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        size=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        licence="Apache-2.0",
        remark="good claims, queries and verdicts; the one that the project measures",
    ),
    NamedModel(
        name="qwen2.5-1.5b",
        repository="Qwen/Qwen2.5-1.5B-Instruct-GGUF",
        revision="91cad51170dc346986eccefdc2dd33a9da36ead9",
        filename="qwen2.5-1.5b-instruct-q4_k_m.gguf",
        size=1_117_320_736,
        sha256="6a1a2eb6d15622bf3c96857206351ba97e1af16c30d7a74ee38970e434e9407e",
        licence="Apache-2.0",
        remark="the same size, for general text",
    ),
    NamedModel(
        name="llama-3.2-3b",
        repository="unsloth/Llama-3.2-3B-Instruct-GGUF",
        revision="e7d0997e49c9cb00d88b4c1a6a16aa894b0bbc31",
        filename="Llama-3.2-3B-Instruct-Q4_K_M.gguf",
        size=2_019_377_600,
        sha256="6c99cc00ae910f6a532a80022cb4bc1939094527a089c29294b841c0bd87f74d",
        licence="Llama 3.2 Community License",
        remark="knows more; wants 3 GB of memory",
    ),
)


def list_models() -> tuple[NamedModel, ...]:
    """The models that `get_model` knows."""
    return CATALOGUE


def named_model(name: str) -> NamedModel:
    """The catalogue's entry. Raises SettingError for a name that it does not have."""
    for model in list_models():
        if model.name == name:
            return model
    names = ", ".join(model.name for model in list_models())
    raise SettingError(f"No model is named {name!r}.", f"take one of {names}, or set ALTO_MODEL to a GGUF file")


def get_model(name: str, progress: Progress | None = None, cache: Path | None = None) -> Path:
    """The path of a named model's file, fetched when it is absent; an interrupted download goes on where it stopped.

    HF_ENDPOINT names a mirror, HF_TOKEN an account. Raises SettingError for an unknown name, AssetError when the hub
    cannot be reached or the file's sha256 is wrong (then nothing is kept).
    """
    model = named_model(name)
    place = model.path(cache or settings().cache)
    if place.is_file() and place.stat().st_size == model.size and _sha256(place) == model.sha256:
        return place
    arriving = place.parent / "arriving" / model.name
    try:
        arriving.mkdir(parents=True, exist_ok=True)
        fetched = _download(model, arriving, progress)
        found = _sha256(fetched)
        if found == model.sha256:
            fetched.replace(place)
    except OSError as error:
        raise AssetError(
            f"The model {name} cannot be fetched from the Hugging Face hub into {arriving}: {_first_line(error)}.",
            "check the network, HF_ENDPOINT and the disk's free space, and run the same command again: it goes on "
            "where it stopped. Without the hub, set ALTO_MODEL to a GGUF file, or unset it for the default model",
        ) from None
    shutil.rmtree(arriving)
    if found != model.sha256:
        raise AssetError(
            f"The model {name} has sha256 {found}, not {model.sha256}: the file that came is not the pinned one. "
            "It was removed.",
            "try again; if it stays so, the mirror (HF_ENDPOINT) serves another file",
        )
    return place


def _download(model: NamedModel, folder: Path, progress: Progress | None) -> Path:
    # The hub's newer transfer protocol starts an interrupted file anew; plain HTTP ranges resume.
    os.environ["HF_HUB_DISABLE_XET"] = "1"
    import httpx
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.utils import logging

    constants.HF_HUB_DISABLE_XET = True
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # what matters of its warnings about retries is in our error
    endpoint = os.environ.get("HF_ENDPOINT", constants.ENDPOINT)
    try:
        return Path(
            hf_hub_download(
                model.repository,
                model.filename,
                revision=model.revision,
                local_dir=folder,
                endpoint=endpoint,
                tqdm_class=_bar(progress, model.size),
            )
        )
    except httpx.HTTPError as error:
        raise OSError(str(error) or type(error).__name__) from error
    except RuntimeError as error:
        # After a refused connection the client closes its session, retries on the closed one, and trips over it.
        raise OSError(f"{endpoint} does not answer") from error


def _bar(progress: Progress | None, size: int) -> Any:
    """A class with as much of tqdm's interface as the hub's client uses, that reports to `progress`."""

    class Bar:
        def __init__(self, *_: object, initial: int = 0, **__: object) -> None:
            self.done = 0
            self.update(initial)

        def update(self, count: int) -> None:
            self.done += count
            if progress is not None:
                progress(self.done, size)

        def close(self) -> None:
            pass

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    return Bar


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: OSError) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")
