"""The beginnings of prompts are computed once for a model and restored at later starts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import aiohttp
import pytest

from alto_streams.engines.prefixes import file_name, folder, load_prefixes
from alto_streams.engines.protocol import Prompt
from alto_streams.errors import EngineError

RED = Prompt.few_shot("red", "Name a thing that is red.", [("One word.", "Blood"), ("Another.", "Rust")])
BLUE = Prompt.few_shot("blue", "Name a thing that is blue.", [("One word.", "Sky")])


async def tokens_computed(url: str, prompt: Prompt) -> int:
    """Prompt tokens that the engine had to compute for one question."""
    messages = [{"role": m.role, "content": m.content} for m in prompt.ask("One more.").messages]
    async with (
        aiohttp.ClientSession(url) as session,
        session.post("/v1/chat/completions", json={"messages": messages, "max_tokens": 1}) as answer,
    ):
        return int((await answer.json())["timings"]["prompt_n"])


async def test_computed_once_and_restored_after_a_restart(
    embedded_engine: Callable[..., AbstractContextManager[str]], tmp_path: Path
) -> None:
    arguments = ("--slots", "2", "--prefixes", str(tmp_path))
    with embedded_engine(*arguments) as url:
        assert await load_prefixes(url, [RED, BLUE], 2) == (0, 2)
        assert await load_prefixes(url, [RED, BLUE], 2) == (2, 0)
    with embedded_engine(*arguments) as url:
        cold = await tokens_computed(url, RED)
    with embedded_engine(*arguments) as url:
        assert await load_prefixes(url, [RED, BLUE], 2) == (2, 0)
        assert await tokens_computed(url, RED) < cold / 2
        assert await load_prefixes(url, [RED, BLUE, RED], 1) == (1, 0), "more prompts than slots"


async def test_an_engine_that_is_gone_is_named() -> None:
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:9"):
        await load_prefixes("http://127.0.0.1:9", [RED], 1)


def test_another_model_or_prompt_has_other_files(tmp_path: Path) -> None:
    one, two = tmp_path / "one.gguf", tmp_path / "two.gguf"
    one.write_bytes(b"GGUF1")
    two.write_bytes(b"GGUF22")
    assert folder(one, tmp_path) != folder(two, tmp_path)
    assert file_name(RED) != file_name(Prompt.few_shot("red", "Name a thing that is red.", []))
