"""deployment.yaml: what it counts, who wins, and every error with its line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from alto_streams.deployment import FileError, read_deployment
from alto_streams.deployment.deployment_file import parse_deployment
from alto_streams.errors import SettingError
from alto_streams.settings import Settings
from alto_streams.supervisor.instances import instances
from stages.graph import pipeline as factool
from tests.pipelines.small import pipeline as small

EXAMPLE = Path(__file__).parents[2] / "examples/deployment.yaml"


def test_a_stage_wins_over_its_pool() -> None:
    found = parse_deployment("pipeline: factool\npools: {lm: 2}\nstages: {appraise: 3, bm25: 4}\n", "d.yaml")
    lm = {"answer": 2, "extract_claims": 2, "generate_queries": 2}
    assert found.counts(factool) == {**lm, "appraise": 3, "bm25": 4}


def test_the_example_deploys_factool() -> None:
    assert read_deployment(EXAMPLE).counts(factool)["appraise"] == 3


def test_the_environment_wins_over_the_file_stage_by_stage(tmp_path: Path) -> None:
    file = tmp_path / "deployment.yaml"
    file.write_text("stages: {bm25: 4, rerank: 2}\n")
    both = Settings(deployment=file, instances="bm25=7")
    counts = instances(factool, both)
    assert (counts["bm25"], counts["rerank"], counts["answer"]) == (7, 2, 1)
    assert set(counts) == {stage.name for stage in factool.plan.stages}
    assert set(instances(factool, Settings(deployment=None, instances="")).values()) == {1}


def test_another_count_is_a_change_of_the_file_alone(tmp_path: Path) -> None:
    file = tmp_path / "deployment.yaml"
    for count in (1, 5):
        file.write_text(f"stages: {{bm25: {count}}}\n")
        assert instances(factool, Settings(deployment=file, instances=""))["bm25"] == count


def test_the_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ALTO_DEPLOYMENT", "")
    assert Settings().deployment is None
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALTO_DEPLOYMENT", "deployment.yaml")
    assert Settings().deployment == tmp_path / "deployment.yaml"


UNUSABLE = [
    ("", 1, 1, "the file is empty"),
    ("# nothing\n", 1, 1, "the file is empty"),
    ("answer=2\n", 1, 1, "a deployment must be a mapping, not 'answer=2'"),
    ("- answer\n", 1, 1, "a deployment must be a mapping, not a list"),
    ("!other {stages: {}}\n", 1, 1, "a deployment must be a mapping"),
    ("stages:\n  answer: 2\nstage:\n  bm25: 1\n", 3, 1, "a deployment has no key 'stage'"),
    ("? [a]\n: 1\n", 1, 3, "a key of a deployment must be a name, not a list"),
    ("pipeline: 7\n", 1, 11, "pipeline must be text, not '7'"),
    ("pipeline:\n", 1, 10, "pipeline must be text, not nothing"),
    ("stages: 2\n", 1, 9, "stages must be a mapping, not '2'"),
    ("pools: [lm]\n", 1, 8, "pools must be a mapping, not a list"),
    ("stages:\n  answer: 0\n", 2, 11, "answer must be a whole number from 1 to 9999, not '0'"),
    ("stages:\n  answer: -1\n", 2, 11, "not '-1'"),
    ("stages:\n  answer: 1.5\n", 2, 11, "not '1.5'"),
    ("stages:\n  answer: '2'\n", 2, 11, "not '2'"),
    ("stages:\n  answer: yes\n", 2, 11, "not 'yes'"),
    ("stages:\n  answer: 010\n", 2, 11, "not '010'"),
    ("stages:\n  answer: 1:30\n", 2, 11, "not '1:30'"),
    ("stages:\n  answer: 99999\n", 2, 11, "not '99999'"),
    (f"stages:\n  answer: {'9' * 5000}\n", 2, 11, "9...'"),
    ("stages:\n  answer:\n", 2, 10, "not nothing"),
    ("stages:\n  answer: {n: 2}\n", 2, 11, "not a mapping"),
    ("pools:\n  lm: many\n", 2, 7, "lm must be a whole number from 1 to 9999, not 'many'"),
    ("stages:\n  answer: 2\n  bm25: 1\n  answer: 3\n", 4, 3, "'answer' is here twice; line 2 has it too"),
    ("stages: {}\nstages: {}\n", 2, 1, "'stages' is here twice"),
    ("stages:\n\tanswer: 2\n", 2, 1, "a tab"),
    ("stages:\n  answer: 1\n   bm25: 2\n", 3, 8, "this is not YAML: mapping values are not allowed here"),
    ("stages: {answer: 2\n", 2, 1, "this is not YAML"),
    ("stages: 'x\n", 2, 1, "this is not YAML: found unexpected end of stream"),
    ("stages: {}\n---\nstages: {}\n", 2, 1, "this is not YAML: but found another document"),
    ("stages: &a {answer: 1}\npools: *a\n", 2, 8, "an alias (*a) is not read here"),
    ("stages:\n  a\x07: 1\n", 2, 4, "the character U+0007 is not allowed"),
    ("[" * 5000 + "]" * 5000, 1, 21, "nested too deeply"),
]


@pytest.mark.parametrize(("text", "line", "column", "said"), UNUSABLE)
def test_an_unusable_file_is_told_by_line_and_column(text: str, line: int, column: int, said: str) -> None:
    with pytest.raises(FileError) as raised:
        parse_deployment(text, "d.yaml")
    _told(raised.value, line, column, said)


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("stages:\n  answer: 1\n  bm52: 2\n", 3, 3, "pipeline 'factool' has no stage 'bm52'"),
        ("pools:\n  gpu: 2\n", 2, 3, "pipeline 'factool' has no pool 'gpu'"),
        ("pipeline: other\n", 1, 11, "this deploys pipeline 'other', but 'factool' is to run"),
    ],
)
def test_a_file_for_another_pipeline_is_told_by_line_and_column(text: str, line: int, column: int, said: str) -> None:
    with pytest.raises(FileError) as raised:
        parse_deployment(text, "d.yaml").counts(factool)
    _told(raised.value, line, column, said)


def test_a_pipeline_without_pools_says_so() -> None:
    with pytest.raises(FileError, match=r"no pool 'lm'.*Mend: take 'lm' out"):
        parse_deployment("pools: {lm: 2}", "d.yaml").counts(small)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "d.yaml"
    file.write_bytes("stages:\n  é: 1\n".encode("latin-1"))
    with pytest.raises(FileError) as raised:
        read_deployment(file)
    _told(raised.value, 2, 3, "this is not UTF-8", str(file))


def test_a_mark_of_byte_order_and_windows_lines_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "d.yaml"
    file.write_bytes(b"\xef\xbb\xbfstages:\r\n  answer: 2\r\n")
    assert read_deployment(file).stages == {"answer": 2}


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(SettingError, match=r"cannot be read.*Mend: name a file"):
            read_deployment(path)


def _told(error: FileError, line: int, column: int, said: str, file: str = "d.yaml") -> None:
    assert (error.line, error.column) == (line, column), error
    assert error.message.startswith(f"{file}:{line}:{column}: ")
    assert said in error.message
    assert error.mend
    assert "\n" not in str(error)
