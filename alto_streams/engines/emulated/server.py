"""Serves one emulated instance over the OpenAI API, for several processes that share it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from aiohttp import web

from alto_streams.engines.emulated.answers import DEFAULT
from alto_streams.engines.emulated.engine import MODEL, EmulatedEngine
from alto_streams.engines.protocol import Message, Prompt, Sampling

SCORED = ("Yes", "No")  # the protocol does not say which options a client will look for
LARGEST_BODY = 2**24
METRICS = {
    "request_success_total": "requests",
    "num_requests_running": "running",
    "num_requests_waiting": "waiting",
    "prompt_tokens_total": "prompt_tokens",
    "generation_tokens_total": "generated_tokens",
}


class Server:
    """The routes. `names` tells a prompt's name by its first message, since the API carries no names."""

    def __init__(self, engine: EmulatedEngine, names: Mapping[str, str]) -> None:
        self._engine, self._names = engine, names

    def application(self) -> web.Application:
        """Run it with `handler_cancellation=True`, so that a client that goes frees its place."""
        application = web.Application(client_max_size=LARGEST_BODY)
        application.router.add_get("/health", self._health)
        application.router.add_get("/v1/models", self._models)
        application.router.add_get("/metrics", self._metrics)
        application.router.add_post("/v1/chat/completions", self._complete)
        return application

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "model": MODEL})

    async def _models(self, _request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": MODEL}]})

    async def _metrics(self, _request: web.Request) -> web.Response:
        """Under vLLM's names, which clients know."""
        counts = await self._engine.statistics()
        lines = [f'vllm:{name}{{model_name="{MODEL}"}} {getattr(counts, of)}\n' for name, of in METRICS.items()]
        return web.Response(text="".join(lines))

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await request.json()
            prompt, sampling = self._prompt(body), _sampling(body)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return web.json_response({"error": {"message": f"not a chat completion: {error!r}"}}, status=400)
        if body.get("logprobs"):
            return web.json_response(await self._scored(prompt))
        if not body.get("stream"):
            async with aclosing(self._engine.generate(prompt, sampling)) as texts:
                said = [text async for text in texts]
            message = {"role": "assistant", "content": "".join(said)}
            return web.json_response(_completion(message=message) | {"usage": _usage(prompt, len(said))})
        return await self._stream(request, prompt, sampling)

    async def _stream(self, request: web.Request, prompt: Prompt, sampling: Sampling) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        words = 0
        async with aclosing(self._engine.generate(prompt, sampling)) as texts:
            async for text in texts:
                words += len(text.split())
                await response.write(_event(_completion(delta={"content": text}, finish_reason=None)))
        await response.write(_event(_completion(delta={})))
        await response.write(_event({"model": MODEL, "choices": [], "usage": _usage(prompt, words)}))
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    async def _scored(self, prompt: Prompt) -> dict[str, Any]:
        values = await self._engine.score(prompt, SCORED)
        top = [{"token": token, "logprob": value} for token, value in zip(SCORED, values, strict=True)]
        best = max(top, key=lambda one: float(str(one["logprob"])))
        message = {"role": "assistant", "content": best["token"]}
        logprobs = {"content": [{**best, "top_logprobs": top}]}
        return _completion(message=message, logprobs=logprobs) | {"usage": _usage(prompt, 1)}

    def _prompt(self, body: Mapping[str, Any]) -> Prompt:
        messages = [Message(one["role"], str(one["content"])) for one in body["messages"]]
        goes_on = bool(messages) and bool(body.get("continue_final_message"))
        continuation = messages.pop().content if goes_on else ""
        name = self._names.get(messages[0].content, DEFAULT) if messages else DEFAULT
        return Prompt(name, tuple(messages), continuation)


def _sampling(body: Mapping[str, Any]) -> Sampling:
    stop = body.get("stop") or ()
    return Sampling(
        max_tokens=int(body.get("max_tokens") or Sampling().max_tokens),
        seed=body.get("seed"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
    )


def _completion(finish_reason: str | None = "stop", **choice: Any) -> dict[str, Any]:
    return {"model": MODEL, "choices": [{"index": 0, "finish_reason": finish_reason, **choice}]}


def _usage(prompt: Prompt, made: int) -> dict[str, int]:
    return {"prompt_tokens": sum(len(one.content.split()) for one in prompt.messages), "completion_tokens": made}


def _event(data: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"
