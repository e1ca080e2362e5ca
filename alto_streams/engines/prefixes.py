"""Gives the embedded engine the beginnings of the stages' prompts, computed once and kept on disk.

A few-shot prompt begins with the same few hundred tokens every time; on a processor they take seconds. llama.cpp saves
and restores what it has computed of a slot, so only the first start of a machine computes it. The files hold nothing of
any question. `python -m alto_streams.engines.prefixes` does it for the pipeline and the engine of the settings; with
`--embedded 0`, for a server elsewhere, it only makes sure that it answers and has the model.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import aiohttp

from alto_streams.engines.protocol import Prompt
from alto_streams.errors import AltoError, EngineError
from alto_streams.settings import Settings, settings

TIMEOUT_S = 300.0  # of one prompt, computed on a busy machine
ANSWERS_S = 10.0  # how long a server elsewhere may take to come up


def folder(model: Path, cache: Path) -> Path:
    """Where the prefixes of one model file are kept: another model, or another version of it, has another folder."""
    # A file that is missing has a folder as well: whoever opens the model says that it is missing.
    status = model.stat() if model.is_file() else None
    named = f"{model.name}:{status.st_size}:{status.st_mtime_ns}" if status else model.name
    return cache / "prefixes" / sha256(named.encode()).hexdigest()[:16]


def file_name(prompt: Prompt) -> str:
    """One file for each text: a prompt that was edited is computed anew."""
    text = json.dumps([[m.role, m.content] for m in prompt.messages])
    return f"{prompt.name}-{sha256(text.encode()).hexdigest()[:16]}.kv"


async def load_prefixes(url: str, prompts: Sequence[Prompt], slots: int) -> tuple[int, int]:
    """Puts each prompt's beginning into a slot of its own; how many were restored, and how many computed.

    Prompts beyond the number of slots are left out. Raises EngineError when the engine does not answer.
    """
    restored = computed = 0
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    try:
        async with aiohttp.ClientSession(url, timeout=timeout, raise_for_status=False) as session:
            for slot, prompt in enumerate(prompts[:slots]):
                if await _file(session, slot, prompt, "restore"):
                    restored += 1
                    continue
                await _compute(session, slot, prompt)
                await _file(session, slot, prompt, "save")
                computed += 1
    except (aiohttp.ClientError, TimeoutError) as error:
        raise EngineError(
            f"The engine at {url} does not take the prompts' beginnings: {error!r}.",
            "look at its log, or start it again",
        ) from None
    return restored, computed


async def _file(session: aiohttp.ClientSession, slot: int, prompt: Prompt, action: str) -> bool:
    body = {"filename": file_name(prompt)}
    async with session.post(f"/slots/{slot}?action={action}", json=body) as answer:
        return answer.status == 200


async def _compute(session: aiohttp.ClientSession, slot: int, prompt: Prompt) -> None:
    messages = [{"role": m.role, "content": m.content} for m in prompt.messages]
    body = {"messages": messages, "id_slot": slot, "max_tokens": 1, "cache_prompt": True}
    async with session.post("/v1/chat/completions", json=body) as answer:
        answer.raise_for_status()
        await answer.read()


async def served(chosen: Settings) -> str:
    """The model of the settings' engine. Raises EngineError when it does not answer or has no such model."""
    if chosen.engine_url.startswith("emulated:"):
        return "emulated"
    from alto_streams.engines.openai import OpenAIEngine

    key = chosen.engine_api_key.get_secret_value()
    engine = OpenAIEngine(chosen.engine_url, chosen.engine_model, api_key=key, start_timeout_s=ANSWERS_S)
    try:
        return await engine.served()
    finally:
        await engine.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Says in one line of JSON how many prefixes were restored and computed; returns the exit status."""
    from alto_streams.pipeline import load

    parser = argparse.ArgumentParser(description="Makes the engine of the settings ready for the pipeline's prompts.")
    parser.add_argument("--embedded", choices=("0", "1"), default="1", help="whether it is the embedded one")
    given = parser.parse_args(arguments)
    try:
        chosen = settings()
        if given.embedded == "0":
            print(json.dumps({"url": chosen.engine_url, "model": asyncio.run(served(chosen))}), flush=True)
            return 0
        stages = load(chosen.pipeline).plan.stages
        prompts = [stage.prompt for stage in stages if stage.prompt is not None]
        restored, computed = asyncio.run(load_prefixes(chosen.engine_url, prompts, chosen.engine_slots))
    except AltoError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps({"restored": restored, "computed": computed}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
