"""The frame of the command line: help, one line for every error, exit codes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from alto_streams.cli import main as cli
from alto_streams.errors import AltoError

COMMANDS = list(cli.Commands.lazy)


def alto(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "alto_streams.cli.main", *arguments)
    wide = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", **(env or {})}
    return subprocess.run(command, capture_output=True, text=True, env=wide, timeout=60)


def test_help_lists_every_command() -> None:
    found = alto("--help")
    assert found.returncode == 0
    assert all(re.search(rf"^│ {name} ", found.stdout, re.MULTILINE) for name in COMMANDS)


def test_help_imports_no_part_of_the_stack() -> None:
    """What makes `alto --help` instant, without timing it."""
    program = (
        "import sys; sys.argv = ['alto', '--help']\n"
        "from alto_streams.cli.main import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "heavy = {'confluent_kafka', 'faust', 'numpy', 'pydantic', 'psutil', 'google.protobuf'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("pipeline", "model")])
def test_every_command_teaches_by_example(command: str) -> None:
    found = alto(command, "--help")
    assert found.returncode == 0, found.stderr
    assert f"alto {command}" in found.stdout.split("Options")[0].split("Usage")[1].split("\n", 1)[1]


def test_wrong_usage() -> None:
    found = alto("status", "--nope")
    assert found.returncode == 2
    assert "--nope" in found.stderr


def test_an_error_is_one_line_with_its_mend(tmp_path: Path) -> None:
    found = alto("status", env={"ALTO_HOME": str(tmp_path)})
    assert found.returncode == 1
    assert found.stderr == f"error: no stack runs in {tmp_path}. Mend: start one with `alto up`\n"


def test_nothing_to_stop(tmp_path: Path) -> None:
    found = alto("down", "--clean", env={"ALTO_HOME": str(tmp_path / "home")})
    assert found.returncode == 0
    assert "No stack runs" in found.stdout


def test_an_unusable_setting_is_named() -> None:
    found = alto("up", env={"ALTO_ENGINE_SLOTS": "many"})
    assert found.returncode == 1
    assert found.stderr.startswith("error: ALTO_ENGINE_SLOTS='many' is not usable")
    assert found.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (AltoError("the disk is full.", "free some"), 1, "error: the disk is full. Mend: free some\n"),
        (KeyboardInterrupt(), 130, ""),
        (SystemExit(3), 3, ""),
    ],
)
def test_exit_codes(
    raised: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise raised

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == code
    assert capsys.readouterr().err == said


def test_a_bug_is_one_line_and_a_file_with_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("[by] zero")

    monkeypatch.setattr(cli, "app", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ZeroDivisionError: [by] zero. Mend: ")
    assert said.count("\n") == 1
    (log,) = tmp_path.iterdir()
    assert str(log) in said
    assert "Traceback" in log.read_text()
