"""An engine behind any OpenAI-compatible server: llama.cpp's on one machine, vLLM in production."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from alto_streams.engines.options import log_probabilities
from alto_streams.engines.protocol import EngineStatistics, Prompt, Sampling
from alto_streams.engines.server_metrics import read_metrics
from alto_streams.errors import EngineError

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
CONNECT_TIMEOUT_S = 10.0
LLAMA_CPP = "llamacpp"
DEFAULT_MODEL = "default"


@dataclass(frozen=True, slots=True)
class ServedModel:
    """What the server says of the model that answers: its name there, and which program serves it."""

    name: str
    owner: str

    @property
    def top_logprobs(self) -> int:
        """How many candidates of a token to ask for. llama.cpp gives any number; 20 is OpenAI's and vLLM's bound."""
        return 200 if self.owner == LLAMA_CPP else 20


class OpenAIEngine:
    """Implements the Engine protocol over HTTP.

    `url` is the server's root, with or without `/v1`. `model` is a name that the server lists; `default` takes the
    first of its list. A server that refuses connections or answers 503 is taken as starting: requests wait up to
    `start_timeout_s` seconds for it. Nothing else has a time limit: cancel the task when its deadline passes.

    Requests are chat completions, so the prompt's template is the server's business. Prompt.continuation goes as a
    last assistant message with `continue_final_message`, which vLLM and llama.cpp both continue; leave no white
    space at its end, some templates trim it. Grammars go as `grammar` to llama.cpp and as `structured_outputs` to
    others. Greedy answers of one server may differ between a cold and a cached prompt, or alone and in a batch,
    where two tokens are nearly equally likely: floating-point sums depend on the batch's shape.
    """

    def __init__(
        self, url: str, model: str = DEFAULT_MODEL, *, api_key: str = "", start_timeout_s: float = 60.0
    ) -> None:
        self.url = url.rstrip("/").removesuffix("/v1")
        self._wanted = model
        self._start_timeout_s = start_timeout_s
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._session: aiohttp.ClientSession | None = None
        self._served: ServedModel | None = None
        self._requests = 0
        self._running = 0
        self._prompt_tokens = 0
        self._generated_tokens = 0

    async def served(self) -> str:
        """The model's name at the server. Raises EngineError when it does not answer, or has no such model."""
        return (await self._model()).name

    async def generate(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str]:
        """Yields the answer's text as it is produced. Closing the iterator closes the connection, and the server
        stops at once. Raises EngineError when the server cannot be reached, refuses, or breaks off."""
        body = await self._request(prompt, sampling)
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        chunks, usage, finished = 0, None, False
        self._running += 1
        try:
            response = await self._send("POST", "/v1/chat/completions", body)
            try:
                async for event in self._events(response):
                    usage = event.get("usage") or usage
                    for choice in event.get("choices", ()):
                        finished = finished or choice.get("finish_reason") is not None
                        text = choice["delta"].get("content")
                        if text:
                            chunks += 1
                            yield text
            finally:
                response.close()
            if not finished:
                raise self._broken_off("the stream ended early")
        finally:
            self._running -= 1
            self._count(usage or {"completion_tokens": chunks})

    async def score(self, prompt: Prompt, options: Sequence[str]) -> list[float]:
        """Natural-log probability of each option's first token as the next one; see `options.log_probabilities`
        for how options are matched to tokens. Raises EngineError."""
        body = await self._request(prompt, Sampling(max_tokens=1))
        body |= {"logprobs": True, "top_logprobs": (await self._model()).top_logprobs}
        self._running += 1
        try:
            answer = await self._json("POST", "/v1/chat/completions", body)
        finally:
            self._running -= 1
        self._count(answer.get("usage") or {})
        try:
            candidates = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        except (KeyError, IndexError, TypeError):
            raise EngineError(
                f"The language-model server at {self.url} gave no log probabilities.",
                "use a server that answers `logprobs` in chat completions, such as vLLM or llama.cpp",
            ) from None
        return log_probabilities([(item["token"], item["logprob"]) for item in candidates], options)

    async def statistics(self) -> EngineStatistics:
        """The server's own counts over all its clients, where it has Prometheus metrics that we know (llama.cpp,
        vLLM); else, and for what it does not count (llama.cpp: requests), those of this object."""
        own = {
            "requests": self._requests,
            "running": self._running,
            "waiting": 0,
            "prompt_tokens": self._prompt_tokens,
            "generated_tokens": self._generated_tokens,
        }
        session = self._open_session()
        try:
            async with session.get(f"{self.url}/metrics") as response:
                text = await response.text() if response.status == 200 else ""
        except aiohttp.ClientError as error:
            raise self._unreachable(error) from None
        return EngineStatistics(**(own | read_metrics(text)))

    async def close(self) -> None:
        """Closes the connections; requests in flight end."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _request(self, prompt: Prompt, sampling: Sampling) -> dict[str, Any]:
        model = await self._model()
        messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
        body: dict[str, Any] = {
            "model": model.name,
            "messages": messages,
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
        }
        if prompt.continuation:
            messages.append({"role": "assistant", "content": prompt.continuation})
            body |= {"continue_final_message": True, "add_generation_prompt": False}
        if sampling.seed is not None:
            body["seed"] = sampling.seed
        if sampling.stop:
            body["stop"] = list(sampling.stop)
        if sampling.repeat_penalty != 1.0:
            name = "repeat_penalty" if model.owner == LLAMA_CPP else "repetition_penalty"
            body[name] = sampling.repeat_penalty
        if sampling.grammar is not None:
            body |= (
                {"grammar": sampling.grammar}
                if model.owner == LLAMA_CPP
                else {"structured_outputs": {"grammar": sampling.grammar}}
            )
        return body

    async def _model(self) -> ServedModel:
        if self._served is None:
            listed = (await self._json("GET", "/v1/models"))["data"]
            named = [item for item in listed if self._wanted in (DEFAULT_MODEL, item["id"])]
            if not named:
                names = ", ".join(item["id"] for item in listed) or "none"
                raise EngineError(
                    f"The language-model server at {self.url} has no model {self._wanted!r}; it has {names}.",
                    "set ALTO_ENGINE_MODEL to one of them, or to `default` for the first",
                )
            self._served = ServedModel(named[0]["id"], named[0].get("owned_by", ""))
        return self._served

    async def _json(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        response = await self._send(method, path, body)
        try:
            answer = await response.json(content_type=None)
        except (aiohttp.ClientError, ValueError) as error:
            raise self._broken_off(error) from None
        finally:
            response.close()
        if not isinstance(answer, dict):
            raise self._broken_off(f"{path} answered {answer!r}")
        return answer

    async def _send(self, method: str, path: str, body: dict[str, Any] | None) -> aiohttp.ClientResponse:
        """The response once its headers are here, waiting for a server that starts; EngineError for any refusal."""
        session = self._open_session()
        until = asyncio.get_running_loop().time() + self._start_timeout_s
        pause, stale = FIRST_PAUSE_S, False
        while True:
            try:
                response = await session.request(method, self.url + path, json=body)
                if response.status < 400:
                    return response
                error: object = await _refusal(response)
                if response.status != 503:
                    raise EngineError(
                        f"The language-model server at {self.url} refused a request: {error}.",
                        "check the prompt's length against the context of a slot, and the server's log",
                    )
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as reason:
                # A kept connection may have died with a server that was since restarted: that alone is worth a
                # second try. A server that dies of this very request must not be asked for ever.
                if not isinstance(reason, aiohttp.ClientConnectorError):
                    if stale:
                        raise self._broken_off(reason) from None
                    stale = True
                error = reason
            except (aiohttp.ClientError, TimeoutError) as reason:
                raise self._unreachable(reason) from None
            if asyncio.get_running_loop().time() + pause > until:
                raise self._unreachable(error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _events(self, response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
        """The server-sent events of a streamed answer."""
        try:
            async for line in response.content:
                if not line.startswith(b"data:") or (data := line[5:].strip()) == b"[DONE]":
                    continue
                event = json.loads(data)
                if "error" in event:
                    raise self._broken_off(_reason(event["error"]))
                yield event
        except (aiohttp.ClientError, ValueError) as error:
            raise self._broken_off(error) from None

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
                headers=self._headers,
                read_bufsize=2**20,
            )
        return self._session

    def _count(self, usage: dict[str, Any]) -> None:
        self._requests += 1
        self._prompt_tokens += usage.get("prompt_tokens", 0)
        self._generated_tokens += usage.get("completion_tokens", 0)

    def _unreachable(self, reason: object) -> EngineError:
        return EngineError(
            f"The language-model server at {self.url} does not answer: {reason}.",
            "start it (alto up starts the embedded one), or set ALTO_ENGINE_URL to one that runs",
        )

    def _broken_off(self, reason: object) -> EngineError:
        return EngineError(f"The language-model server at {self.url} broke off: {reason}.", "look at the server's log")


async def _refusal(response: aiohttp.ClientResponse) -> str:
    text = await response.text()
    response.close()
    try:
        return f"{response.status} {_reason(json.loads(text).get('error', text))}"
    except (ValueError, AttributeError):
        return f"{response.status} {text[:200]}"


def _reason(error: object) -> str:
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)
