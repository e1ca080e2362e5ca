"""On what something was measured: machine, versions, day. Nothing that names a person's machine."""

from __future__ import annotations

import datetime
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import confluent_kafka
import psutil

from ops.kafka.lock import COORDINATES


def machine() -> dict[str, Any]:
    return {
        "cpus": os.cpu_count(),
        "model": _cpu_model(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    packages = ("confluent-kafka", "faust-streaming", "aiokafka", "mode-streaming")
    return {
        "python": platform.python_version(),
        "librdkafka": str(confluent_kafka.libversion()[0]),
        "embedded_kafka": COORDINATES[0].rpartition(":")[2],
        **{package: version(package) for package in packages},
    }


def today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
