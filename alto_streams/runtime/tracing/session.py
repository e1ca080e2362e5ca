"""The HTTP session of an exporter, which asks one address again and again."""

from __future__ import annotations

import os
from typing import Any

from requests import Session

_PROVIDERS = (
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER",
)


class OneAddress(Session):
    """Finds out once what the environment says of its address (proxies, certificates).

    `requests` does so for each request, which takes a third of the processor time of one.
    """

    _said: dict[str, Any] | None = None

    def merge_environment_settings(self, url: str, *asked: Any) -> dict[str, Any]:
        if self._said is None:
            self._said = super().merge_environment_settings(url, *asked)
        return self._said


def session() -> Session | None:
    """None where OpenTelemetry's own variables name who makes it."""
    return None if any(os.environ.get(name) for name in _PROVIDERS) else OneAddress()
