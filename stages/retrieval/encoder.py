"""Texts to token embeddings by MiniLM (int8 ONNX) on one thread of the processor.

Texts run one by one: on passages that is as fast as batches (25 ms at 96 tokens), needs no padding, and a text's
embeddings cannot depend on what it happens to be batched with.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from alto_streams.assets import asset
from alto_streams.errors import AssetError

# From 1.29 on, onnxruntime reports sessions to its makers unless this is set before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime  # type: ignore[import-untyped]

MAX_TOKENS = 256
DIMENSIONS = 384

Embeddings = NDArray[np.float32]
"""One row a token, each of length 1."""


class Encoder:
    """A loaded model, about 100 MB resident. `encode` may be called from several threads."""

    def __init__(self, model: Path, tokenizer: Path, max_tokens: int = MAX_TOKENS) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # Measured: as fast as with every optimisation, and some 15 MB smaller.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.enable_mem_pattern = False
        try:
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
            self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # both libraries raise bare or private classes
            raise AssetError(f"cannot load the encoder: {error}.", f"delete {model} and {tokenizer}") from error
        _return_freed_memory()
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)

    def encode(self, texts: Iterable[str]) -> list[Embeddings]:
        """Each text's embeddings [tokens, 384], with the model's first and last mark, cut after `max_tokens`."""
        return [self._encode(text) for text in texts]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """The characters that each embedding of a text stands for; empty for the model's marks."""
        spans: list[tuple[int, int]] = self._tokenizer.encode(text).offsets
        return spans

    def _encode(self, text: str) -> Embeddings:
        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        hidden: Embeddings = self._session.run(["last_hidden_state"], feeds)[0][0]
        hidden /= np.linalg.norm(hidden, axis=1, keepdims=True)
        return hidden


def _return_freed_memory() -> None:
    """Loading leaves 60 MB of freed memory with glibc, which would keep it; other C libraries return it themselves."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def open_encoder() -> Encoder:
    """The encoder of the demo. Raises AssetError."""
    return Encoder(asset("minilm-model"), asset("minilm-tokenizer"))
