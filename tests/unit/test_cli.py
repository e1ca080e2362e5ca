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


def test_a_deployment_is_refused_before_anything_starts(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "deployment.yaml"
    file.write_text("stages:\n  answer: 2\n  bm52: 1\n")
    env = {"ALTO_HOME": str(home), "ALTO_PIPELINE": "tests.pipelines.small:pipeline", "ALTO_INSTANCES": ""}
    asked = alto("up", "--deployment", str(file), env=env)
    by_setting = alto("up", env={**env, "ALTO_DEPLOYMENT": str(file)})
    for found in (asked, by_setting):
        assert found.returncode == 1
        assert found.stderr.startswith(f"error: {file}:3:3: pipeline 'factool' has no stage 'bm52'. Mend: use one of ")
        assert found.stderr.count("\n") == 1
    assert not home.exists()


def test_the_option_is_read_in_place_of_the_setting(tmp_path: Path) -> None:
    env = {"ALTO_HOME": str(tmp_path / "home"), "ALTO_DEPLOYMENT": str(tmp_path / "setting.yaml")}
    found = alto("up", "--deployment", str(tmp_path / "option.yaml"), env=env)
    assert found.returncode == 1
    assert found.stderr.startswith(f"error: {tmp_path / 'option.yaml'} cannot be read: No such file")


def test_instances_of_a_stage_that_is_not_there_are_refused_at_once(tmp_path: Path) -> None:
    found = alto("up", "--instances", "bm52=2", env={"ALTO_HOME": str(tmp_path / "home")})
    assert found.returncode == 1
    assert found.stderr.startswith("error: ALTO_INSTANCES names stage 'bm52', which the pipeline does not have.")
    assert not (tmp_path / "home").exists()


def test_a_pipeline_file_is_printed_and_checked(tmp_path: Path) -> None:
    env = {"ALTO_PIPELINE": "tests.pipelines.small:pipeline"}
    file = tmp_path / "pipeline.yaml"
    file.write_text(alto("pipeline", "show", "--format", "yaml", env=env).stdout)
    agrees = alto("pipeline", "check", str(file), env=env)
    assert agrees.stdout == f"{file} agrees with tests.pipelines.small:pipeline: 7 stages, 11 queues.\n"
    file.write_text(file.read_text().replace("kind: map", "kind: filter", 1))
    differs = alto("pipeline", "check", str(file), env=env)
    assert differs.returncode == 1
    said = r"error: .*pipeline\.yaml:\d+:11: kind of stage '\w+' is 'filter', but 'map' in the code\. Mend: .+\n"
    assert re.fullmatch(said, differs.stderr)


def test_a_pipeline_is_shown_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(alto("pipeline", "show", "tests.pipelines.small:pipeline", "-f", "yaml").stdout)
    shown = alto("pipeline", "show", str(file))
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout == alto("pipeline", "show", "tests.pipelines.small:pipeline").stdout
    again = alto("pipeline", "show", "-f", "yaml", env={"ALTO_PIPELINE": str(file)})
    assert again.stdout == file.read_text()


def test_a_pipeline_file_with_a_mistake_is_refused_before_anything_starts(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "pipeline.yaml"
    printed = alto("pipeline", "show", "tests.pipelines.small:pipeline", "-f", "yaml").stdout
    file.write_text(printed.replace("kind: map", "kind: mop", 1))
    line = printed[: printed.index("kind: map")].count("\n") + 1
    asked = alto("up", "--pipeline", str(file), env={"ALTO_HOME": str(home)})
    by_setting = alto("up", env={"ALTO_HOME": str(home), "ALTO_PIPELINE": str(file)})
    for found in (asked, by_setting):
        assert found.returncode == 1
        assert found.stderr.startswith(f"error: {file}:{line}:11: stage '")
        assert "is of kind 'mop'. Mend: use one of map, " in found.stderr
    assert not home.exists()


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
