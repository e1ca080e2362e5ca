"""The emulated engine as a process that several clients share, through the OpenAI-compatible client."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest

from alto_streams.engines.emulated.clock import VirtualClock
from alto_streams.engines.emulated.engine import EmulatedEngine
from alto_streams.engines.openai import OpenAIEngine
from alto_streams.engines.protocol import Engine, Prompt, Sampling
from stages.answer import prompt as ask
from stages.extract_claims import prompt as claims_of
from stages.generate_queries import prompt as queries_of

PROMPTS = (
    ask("Which river flows through Cologne?"),
    claims_of("Emulated Rhine flows through Cologne.", [], "Which river flows through Cologne?"),
    queries_of("Emulated Rhine flows through Cologne."),
)
LIMIT = Sampling(max_tokens=12)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    command = [sys.executable, "-m", "alto_streams.engines.emulated", "--seed", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            assert ready["model"] == "emulated"
            yield ready["url"]
        finally:
            process.terminate()
    assert process.returncode == 0


@pytest.fixture
async def engine(url: str) -> AsyncIterator[OpenAIEngine]:
    engine = OpenAIEngine(url)
    try:
        yield engine
    finally:
        await engine.close()


async def said(engine: Engine, prompt: Prompt) -> str:
    return "".join([text async for text in engine.generate(prompt, LIMIT)])


@pytest.mark.parametrize("prompt", PROMPTS, ids=[prompt.name for prompt in PROMPTS])
async def test_it_knows_the_prompts_and_says_what_the_adapter_says(engine: OpenAIEngine, prompt: Prompt) -> None:
    assert await said(engine, prompt) == await said(EmulatedEngine(3, clock=VirtualClock()), prompt)


async def test_it_scores(engine: OpenAIEngine) -> None:
    wanted = await EmulatedEngine(3, clock=VirtualClock()).score(PROMPTS[0], ("Yes", "No"))
    assert await engine.score(PROMPTS[0], ("Yes", "No")) == pytest.approx(wanted)


async def test_clients_share_one_batch_and_one_that_goes_frees_its_place(url: str, engine: OpenAIEngine) -> None:
    other = OpenAIEngine(url)
    try:
        before = await engine.statistics()
        async with aclosing(other.generate(PROMPTS[0], Sampling())) as texts:
            await anext(texts)
            assert (await engine.statistics()).running == 1
        while (await engine.statistics()).running:  # noqa: ASYNC110 - the server has no event to wait for
            await asyncio.sleep(0.01)
        assert (await engine.statistics()).requests == before.requests + 1
    finally:
        await other.close()
