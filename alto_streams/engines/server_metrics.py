"""Reads an engine's counts from the Prometheus metrics of llama.cpp and vLLM servers."""

from __future__ import annotations

import re

SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{.*\})? (\S+)", re.MULTILINE)
FIELDS = {
    "requests": ("vllm:request_success_total",),
    "running": ("llamacpp:requests_processing", "vllm:num_requests_running"),
    "waiting": ("llamacpp:requests_deferred", "vllm:num_requests_waiting"),
    "prompt_tokens": (
        "llamacpp:prompt_tokens_total",
        "llamacpp:prompt_tokens_cached_total",
        "vllm:prompt_tokens_total",
    ),
    "generated_tokens": ("llamacpp:tokens_predicted_total", "vllm:generation_tokens_total"),
}


def read_metrics(text: str) -> dict[str, int]:
    """The fields of EngineStatistics that the metrics tell, summed over labels. Cached prompt tokens count.

    >>> read_metrics('vllm:num_requests_running{engine="0"} 2.0\\nvllm:num_requests_running{engine="1"} 1.0')
    {'running': 3}
    """
    sums: dict[str, float] = {}
    for name, value in SAMPLE.findall(text):
        sums[name] = sums.get(name, 0.0) + float(value)
    told = {field: [sums[name] for name in names if name in sums] for field, names in FIELDS.items()}
    return {field: int(sum(values)) for field, values in told.items() if values}
