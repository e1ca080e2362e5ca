"""A language-model engine without a model: it emulates the times, sizes and fan-out of the paper's table 1.

`EmulatedEngine` is the adapter, `model` its arithmetic; `python -m alto_streams.engines.emulated` serves it over HTTP.
"""

from alto_streams.engines.emulated.engine import MODEL, SCHEME, EmulatedEngine, InstantEngine

__all__ = ["MODEL", "SCHEME", "EmulatedEngine", "InstantEngine"]
