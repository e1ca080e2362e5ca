"""The embedded engine with the real 135M model, through the OpenAI-compatible client."""

from __future__ import annotations

import asyncio
import math
import re
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from alto_streams.engines.openai import OpenAIEngine
from alto_streams.engines.protocol import Message, Prompt, Sampling
from alto_streams.errors import EngineError

STORY = Prompt("story", (Message("user", "Tell me about the river Thames."),))
EmbeddedEngine = Callable[..., AbstractContextManager[str]]
RunEngine = Callable[..., subprocess.CompletedProcess[str]]
ENDLESS = Sampling(max_tokens=900, grammar='root ::= ("word" " ")+')


@pytest.fixture
async def engine(engine_url: str) -> AsyncIterator[OpenAIEngine]:
    engine = OpenAIEngine(engine_url)
    try:
        yield engine
    finally:
        await engine.close()


async def words(engine: OpenAIEngine, prompt: Prompt, sampling: Sampling) -> str:
    return "".join([chunk async for chunk in engine.generate(prompt, sampling)])


async def running(engine: OpenAIEngine) -> int:
    return (await engine.statistics()).running


async def waiting(engine: OpenAIEngine) -> int:
    return (await engine.statistics()).waiting


async def until(reached: Callable[[], Awaitable[bool]]) -> None:
    while not await reached():  # noqa: ASYNC110 - the server has no event to wait for
        await asyncio.sleep(0.02)


async def until_idle(engine: OpenAIEngine) -> None:
    async def idle() -> bool:
        return await running(engine) == 0

    await until(idle)


async def test_an_answer_comes_in_several_chunks(engine: OpenAIEngine) -> None:
    chunks = [chunk async for chunk in engine.generate(STORY, Sampling(max_tokens=12))]
    assert len(chunks) > 5
    assert "Thames" in "".join(chunks)


async def test_greedy_is_repeatable(engine: OpenAIEngine) -> None:
    await words(engine, STORY, Sampling(max_tokens=30))
    assert await words(engine, STORY, Sampling(max_tokens=30)) == await words(engine, STORY, Sampling(max_tokens=30))


async def test_a_continuation_is_gone_on_with_and_not_repeated(engine: OpenAIEngine) -> None:
    capital = (Message("user", "What is the capital of France?"),)
    text = await words(engine, Prompt("capital", capital, "The capital of France is"), Sampling(max_tokens=3))
    assert text.startswith(" Paris")


async def test_stop_ends_the_answer_before_the_stop_text(engine: OpenAIEngine) -> None:
    listing = Prompt("count", (Message("user", "Count."),), "1, 2, 3, 4,")
    assert "7" not in await words(engine, listing, Sampling(max_tokens=20, stop=("7",)))


async def test_four_requests_run_at_once(engine: OpenAIEngine) -> None:
    answers = [engine.generate(STORY, ENDLESS) for _ in range(4)]
    try:
        await asyncio.gather(*(anext(answer) for answer in answers))
        assert await running(engine) == 4
    finally:
        for answer in answers:
            await answer.aclose()
    await until_idle(engine)


async def test_a_fifth_request_waits_for_a_slot(engine: OpenAIEngine) -> None:
    answers = [engine.generate(STORY, ENDLESS) for _ in range(4)]
    await asyncio.gather(*(anext(answer) for answer in answers))
    fifth = asyncio.create_task(words(engine, STORY, Sampling(max_tokens=2)))

    async def queued() -> bool:
        return await waiting(engine) == 1

    await until(queued)
    assert not fifth.done()
    for answer in answers:
        await answer.aclose()
    assert await fifth


async def test_closing_the_iterator_frees_the_slot(engine: OpenAIEngine) -> None:
    answer = engine.generate(STORY, ENDLESS)
    await anext(answer)
    assert await running(engine) == 1
    before = (await engine.statistics()).generated_tokens
    await answer.aclose()
    await until_idle(engine)
    assert (await engine.statistics()).generated_tokens - before < ENDLESS.max_tokens


async def test_cancelling_the_reader_frees_the_slot(engine: OpenAIEngine) -> None:
    reader = asyncio.create_task(words(engine, STORY, ENDLESS))

    async def started() -> bool:
        return await running(engine) == 1

    await until(started)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await until_idle(engine)


async def test_scores_are_log_probabilities(engine: OpenAIEngine) -> None:
    question = Prompt("judge", (Message("user", "Is Paris in France? Answer Yes or No."),), "Answer:")
    scores = await engine.score(question, ["Yes", "No", "zyzzyva"])
    assert all(math.isfinite(score) and score <= 0 for score in scores)
    assert math.exp(scores[0]) + math.exp(scores[1]) <= 1.0
    assert scores[2] == min(scores)
    assert await engine.score(question, ["No", "Yes"]) == pytest.approx(scores[1::-1], abs=0.05)


async def test_a_grammar_is_obeyed(engine: OpenAIEngine) -> None:
    three = Sampling(max_tokens=60, grammar='root ::= item item item\nitem ::= "- " [a-z ]{3,12} "\\n"')
    assert re.fullmatch(r"(- [a-z ]{3,12}\n){3}", await words(engine, STORY, three))


async def test_a_broken_grammar_is_refused_with_the_servers_reason(engine: OpenAIEngine) -> None:
    with pytest.raises(EngineError, match="grammar"):
        await words(engine, STORY, Sampling(grammar="root ::= nothing"))


async def test_a_prompt_beyond_the_context_is_refused(engine: OpenAIEngine) -> None:
    with pytest.raises(EngineError, match="exceeds the available context size"):
        await words(engine, Prompt("long", (Message("user", "word " * 3000),)), Sampling())


async def test_a_model_that_the_server_lacks_is_named_with_those_it_has(engine_url: str) -> None:
    engine = OpenAIEngine(engine_url, "gpt-9")
    with pytest.raises(EngineError, match=r"gpt-9.*SmolLM2"):
        await words(engine, STORY, Sampling())
    await engine.close()


async def test_a_server_that_is_not_there() -> None:
    engine = OpenAIEngine(f"http://127.0.0.1:{free_port()}", start_timeout_s=0.2)
    with pytest.raises(EngineError, match="does not answer") as raised:
        await words(engine, STORY, Sampling())
    assert engine.url in raised.value.message
    assert "ALTO_ENGINE_URL" in raised.value.mend
    with pytest.raises(EngineError, match="does not answer"):
        await engine.statistics()
    await engine.close()


async def test_requests_wait_for_a_server_that_starts_and_survive_its_restart(embedded_engine: EmbeddedEngine) -> None:
    port = str(free_port())
    engine = OpenAIEngine(f"http://127.0.0.1:{port}")
    early = asyncio.create_task(words(engine, STORY, Sampling(max_tokens=2)))
    await asyncio.sleep(0)
    with embedded_engine("--port", port, "--slots", "1", "--context", "256"):
        assert await early
    with embedded_engine("--port", port, "--slots", "1", "--context", "256"):
        assert await words(engine, STORY, Sampling(max_tokens=2))
    await engine.close()


async def test_a_server_that_dies_breaks_the_answer_off_with_an_error(embedded_engine: EmbeddedEngine) -> None:
    with embedded_engine("--slots", "1", "--context", "1024") as url:
        engine = OpenAIEngine(url)
        answer = engine.generate(STORY, ENDLESS)
        await anext(answer)
    with pytest.raises(EngineError, match="broke off"):
        async for _ in answer:
            pass
    await engine.close()


def test_a_missing_model_is_one_line(run_engine: RunEngine) -> None:
    ended = run_engine("--model", "/nowhere/x.gguf")
    assert_one_line(ended, "/nowhere/x.gguf", "ALTO_MODEL")


def test_a_file_that_is_no_model_is_one_line(run_engine: RunEngine, tmp_path: Path) -> None:
    page = tmp_path / "page.gguf"
    page.write_text("<html>Not found</html>")
    assert_one_line(run_engine(ALTO_MODEL=str(page)), str(page), "not a GGUF model")


def test_a_model_cut_short_is_one_line(run_engine: RunEngine, tmp_path: Path) -> None:
    from alto_streams.assets import asset

    short = tmp_path / "short.gguf"
    with asset("smollm2-135m").open("rb") as whole:
        short.write_bytes(whole.read(3_000_000))
    assert_one_line(run_engine("--model", str(short)), str(short), "cut short")


def test_a_taken_port_is_one_line(run_engine: RunEngine) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert_one_line(run_engine("--port", str(port)), f"127.0.0.1:{port}", "--port 0")


def assert_one_line(ended: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert ended.returncode == 1
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    assert len(lines) == 1
    assert all(part in lines[0] for part in parts), lines[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
