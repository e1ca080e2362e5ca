"""What every worker imports sooner or later, most of it while it connects; the zygote imports it once for all.

Left out is what starts threads when it is imported (onnxruntime), for threads do not survive a fork.
"""

from __future__ import annotations

WORKER = (
    "alto_streams.runtime.worker",
    "alto_streams.runtime.transport",
    "alto_streams.engines.openai",
    "alto_streams.engines.prefixes",
    "alto_streams.supervisor.preparing",
    "topics.provision",
    "concurrent.futures.thread",
    "faust.app.base",
    "faust.app.router",
    "faust.assignor.partition_assignor",
    "faust.tables.manager",
    "faust.tables.recovery",
    "faust.topics",
    "faust.transport.conductor",
    "faust.worker",
    "numpy",
    "tokenizers",
)
