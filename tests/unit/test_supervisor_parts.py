"""The small parts of the supervisor that need no process: state file, restarts, instances, ready lines, naming."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from alto_streams.errors import SettingError
from alto_streams.supervisor import control, logs, pids, state
from alto_streams.supervisor.homelock import HomeInUse, locked
from alto_streams.supervisor.instances import instances_of, parse_instances
from alto_streams.supervisor.restarts import Restarts
from alto_streams.supervisor.spec import ReadyFile, ReadyLine
from topics import names
from topics.definitions import definitions


def test_state_survives_writing(tmp_path: Path) -> None:
    process = state.ProcessState("broker", "log", pid=7, born="b", ready=True, restarts=2)
    written = state.StackState(1, "b", 2.0, phase="running", brokers="x:1", processes=[process])
    state.write(tmp_path, written)
    assert state.read(tmp_path) == written


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"processes": [{"unknown": 1}]}'])
def test_unreadable_state_is_no_state(tmp_path: Path, text: str) -> None:
    state.path(tmp_path).write_text(text)
    assert state.read(tmp_path) is None


def test_state_of_nothing(tmp_path: Path) -> None:
    assert state.read(tmp_path) is None
    assert control.running(tmp_path) is None
    assert not control.stop(tmp_path / "never")


def test_delays_double_up_to_a_bound() -> None:
    restarts = Restarts(limit=9)
    delays = [restarts.died(float(second), ever_ready=True) for second in range(8)]
    assert delays == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert restarts.died(8.0, ever_ready=True) is None


def test_deaths_are_forgotten_after_the_window() -> None:
    restarts = Restarts()
    for hour in range(100):
        assert restarts.died(hour * 3600.0, ever_ready=True) == 0.25


def test_a_process_never_ready_is_given_up_sooner() -> None:
    restarts = Restarts()
    assert restarts.died(0.0, ever_ready=False) == 0.25
    assert restarts.died(1.0, ever_ready=False) is None


def test_instances() -> None:
    assert instances_of(["a", "b"], parse_instances("b=3")) == {"a": 1, "b": 3}
    with pytest.raises(SettingError, match=r"'c'.*use one of a, b"):
        instances_of(["a", "b"], parse_instances("c=3"))


@pytest.mark.parametrize("text", ["a", "a=", "a=0", "a=-1", "a=x", "=2"])
def test_unusable_instances(text: str) -> None:
    with pytest.raises(SettingError, match="STAGE=N"):
        parse_instances(text)


def test_ready_line_waits_for_the_whole_line() -> None:
    line = json.dumps({"url": "u"})
    ready = ReadyLine("url")
    assert ready.seen(f"log\n{line}") is None
    assert ready.seen(f"log\n{{no json\n{line}\n") == {"url": "u"}
    assert ReadyLine("other").seen(f"{line}\n") is None


def test_ready_file_of_an_earlier_run_does_not_count(tmp_path: Path) -> None:
    ready = ReadyFile(tmp_path / "ready")
    ready.path.touch()
    ready.forget()
    assert ready.seen("") is None
    ready.path.touch()
    assert ready.seen("") == {}


def test_logs_keep_one_earlier_run(tmp_path: Path) -> None:
    for text in ("first", "second"):
        log = logs.fresh_log(tmp_path, "broker")
        log.write_text(text)
    assert log.read_text() == "second"
    assert log.with_suffix(".log.1").read_text() == "first"


def test_a_pid_is_not_enough() -> None:
    assert pids.lives(os.getpid(), pids.birth(os.getpid()))
    assert not pids.lives(os.getpid(), "another boot:1")
    assert not pids.end(os.getpid(), "another boot:1", 1.0)


def test_lock_names_its_holder(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(HomeInUse, match=f"pid {os.getpid()}.*alto down"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_clean_leaves_what_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "kafka" / "data").mkdir(parents=True)
    (tmp_path / "mine.txt").touch()
    control.clean(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.txt"]
    (tmp_path / "mine.txt").unlink()
    control.clean(tmp_path)
    assert not tmp_path.exists()


def test_topics_of_a_pipeline() -> None:
    found = {topic.name: topic for topic in definitions("factool", {"answer": 2, "bm25": 4})}
    assert {name: topic.partitions for name, topic in found.items()} == {
        "factool.questions": 4,
        "factool.verified-claims": 4,
        "factool.progress": 4,
        "factool.dead-letters": 1,
        "factool.routing": 1,
        "factool.stage.answer": 2,
        "factool.stage.bm25": 4,
    }
    assert found["factool.routing"].config == {"cleanup.policy": "compact"}
    kept = {name: int(t.config["retention.ms"]) for name, t in found.items() if "retention.ms" in t.config}
    assert max(kept, key=kept.__getitem__) == "factool.dead-letters"
    assert names.group("factool", "bm25") == "factool.bm25"
