"""What ALTO_TRACE asks for, what cannot be done, and nothing at all when it is off."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from alto_streams.errors import SettingError
from alto_streams.runtime.tracing import start
from alto_streams.settings import Settings, settings
from tests.pipelines.small import pipeline as small

ROOT = Path(__file__).parents[2]


def test_a_worker_that_does_not_trace_loads_nothing_of_it(tmp_path: Path) -> None:
    said = (
        "import sys\n"
        "from alto_streams.runtime import worker\n"
        "from alto_streams.runtime.instance import Instance\n"
        "from alto_streams.settings import settings\n"
        "from tests.pipelines.small import pipeline\n"
        "made = worker.Worker(pipeline, pipeline.plan.stage('answer'), '0', settings())\n"
        "assert type(made._instance) is Instance\n"
        "print([name for name in sys.modules if name.startswith(('alto_streams.runtime.tracing', 'opentelemetry'))])\n"
    )
    argv = [sys.executable, "-c", said]
    env = {"PYTHONPATH": str(ROOT), "ALTO_BROKERS": "localhost:1", "ALTO_HOME": str(tmp_path)}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


@pytest.mark.parametrize(("name", "value"), [("TRACE", "oltp"), ("TRACE_SHARE", "1.5"), ("TRACE_SHARE", "-1")])
def test_settings_that_are_not_usable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"ALTO_{name}", value)
    settings.cache_clear()
    try:
        with pytest.raises(SettingError, match=f"ALTO_{name}='{value}' is not usable"):
            settings()
    finally:
        settings.cache_clear()


def test_without_the_extra_the_mend_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "find_spec", lambda _name: None)
    with pytest.raises(SettingError, match=r"alto-streams\[tracing\]"):
        start.start_tracing(Settings(trace="otlp"), small, small.plan.stage("answer"), "0")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="cannot be written to"):
        start.start_tracing(Settings(trace=str(tmp_path / "file")), small, small.plan.stage("answer"), "0")
