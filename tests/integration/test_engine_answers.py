"""`python -m alto_streams.engines.prefixes --embedded 0`: whether the settings' language model answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from alto_streams.engines import prefixes
from alto_streams.settings import settings


@pytest.fixture(autouse=True)
def reads_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(prefixes, "ANSWERS_S", 0.1)
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_names_the_model_of_a_server_that_answers(
    embedded_engine: Callable[..., AbstractContextManager[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with embedded_engine() as url:
        monkeypatch.setenv("ALTO_ENGINE_URL", url)
        assert prefixes.main(["--embedded", "0"]) == 0
        assert "SmolLM2" in capsys.readouterr().out
        settings.cache_clear()
        monkeypatch.setenv("ALTO_ENGINE_MODEL", "gpt-9")
        assert prefixes.main(["--embedded", "0"]) == 1
        assert "ALTO_ENGINE_MODEL" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "vllm:8000", "http://nowhere.invalid:8000"])
def test_a_server_that_does_not_answer_is_named_with_the_mend(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALTO_ENGINE_URL", url)
    assert prefixes.main(["--embedded", "0"]) == 1
    said = capsys.readouterr().err
    assert url in said
    assert "ALTO_ENGINE_URL" in said


def test_the_emulated_engine_always_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALTO_ENGINE_URL", "emulated:")
    assert prefixes.main(["--embedded", "0"]) == 0
