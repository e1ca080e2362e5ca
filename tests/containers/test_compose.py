"""docker-compose.yml as a user runs it: up, ask, look into it, scale, kill, restart, stop and go on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest

from stages.graph import pipeline
from tests.containers.stack import ROOT, Asker, Stack, docker

STAGES = [stage.name for stage in pipeline.plan.stages]
QUESTIONS = 20
COLLECTOR = "tests/containers/collector.yml"
TRACED = {
    "ALTO_TRACE": "otlp",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
    "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
    "OTEL_BSP_SCHEDULE_DELAY": "500",
}
STOPPED_IN_ORDER = (0, 143)  # a JVM that was told to stop ends with 143, after it has stopped

pytestmark = [pytest.mark.containers, pytest.mark.timeout(1200)]


def test_up_ends_with_the_line_that_says_how_to_ask(stack: Stack) -> None:
    [line] = stack.log("ready")
    assert "docker compose run --rm cli ask" in line
    assert f"alto ask --brokers localhost:{stack.port}" in line
    health = {
        one["Config"]["Labels"]["com.docker.compose.service"]: one["State"]["Health"] for one in stack.containers()
    }
    assert {name: found["Status"] for name, found in health.items()} == dict.fromkeys(
        [*STAGES, "kafka", "engine"], "healthy"
    )


def test_the_host_asks_over_the_published_port(stack: Stack) -> None:
    events = [json.loads(line) for line in stack.alto("ask", "--json", "What is the capital of France?").splitlines()]
    assert {"sentence", "claim", "verified_claim"} <= {event["type"] for event in events}
    assert (events[-1]["type"], events[-1]["status"]) == ("outcome", "complete")


def test_the_command_line_asks_from_a_container_of_its_own(stack: Stack) -> None:
    said = stack.compose("run", "--rm", "-T", "cli", "ask", "--deadline", "600", "What is the capital of France?")
    assert "verdict " in said
    assert "complete: " in said


def test_nothing_runs_as_root(stack: Stack) -> None:
    for container in stack.containers():
        users = docker("top", container["Id"], "-eo", "uid,pid,args").splitlines()[1:]
        assert users
        assert all(int(line.split()[0]) != 0 for line in users), f"{container['Name']}: {users}"


def test_only_kafka_is_published_and_only_on_this_machine(stack: Stack) -> None:
    published = {
        (container["Name"], one["HostIp"], one["HostPort"])
        for container in stack.containers()
        for bound in container["NetworkSettings"]["Ports"].values()
        for one in bound or ()
    }
    assert published == {(f"/{stack.project}-kafka-1", "127.0.0.1", str(stack.port))}


def test_every_line_of_a_stage_is_json_and_names_stage_and_question(stack: Stack) -> None:
    [*_, outcome] = [
        json.loads(line) for line in stack.alto("ask", "--json", "Who painted the Mona Lisa?").splitlines()
    ]
    for stage in STAGES:
        lines: list[dict[str, Any]] = [json.loads(line) for line in stack.log(stage)]
        assert all(line["stage"] == stage for line in lines)
        assert outcome["question_id"] in {line.get("question") for line in lines}, f"{stage} does not name it"


def test_two_instances_of_every_stage_share_the_work(stack: Stack, asker: Asker) -> None:
    """From here on the engine is emulated: what is tested is the stack, on whatever machine this is."""
    stack.env |= {f"ALTO_{stage.upper()}_INSTANCES": "2" for stage in STAGES}
    stack.env |= {"ALTO_ENGINE_URL": "emulated:", "ALTO_EMBEDDED_ENGINE": "0"}
    stack.up()
    asker.wait_for_all(asker.ask(QUESTIONS))
    for stage in STAGES:
        lines = [json.loads(line) for line in stack.log(stage)]
        # Of two coordinators, one may have the partitions of the questions and the other those of the stages' records.
        worked = {line["instance"] for line in lines if line["event"] in ("received", "admitted")}
        running = {container["Config"]["Hostname"] for container in stack.containers(stage)}
        assert len(running) == 2
        assert running <= worked, f"of {stage}, only {worked & running} worked"


@pytest.mark.parametrize("stage", ["extract_claims", "bm25", "coordinator"])
def test_a_stage_that_is_killed_in_the_middle_loses_no_question(stack: Stack, asker: Asker, stage: str) -> None:
    victim = stack.containers(stage)[0]
    ids = asker.ask(QUESTIONS)
    asker.wait(ids, 1)
    # From within, and all but its init: an engine does not start again what was killed through it.
    subprocess.run(["docker", "exec", victim["Id"], "bash", "-c", "kill -9 -1"], check=False, timeout=60)
    asker.wait_for_all(ids)
    until = time.monotonic() + 120
    while json.loads(docker("inspect", victim["Id"]))[0]["RestartCount"] == 0:
        assert time.monotonic() < until, "it was not started again"
        time.sleep(0.5)


def test_kafka_that_is_restarted_in_the_middle_loses_no_question(stack: Stack, asker: Asker) -> None:
    ids = asker.ask(QUESTIONS)
    asker.wait(ids, 1)
    stack.compose("restart", "kafka")
    asker.wait_for_all(ids)


def test_a_stop_in_the_middle_is_in_order_and_up_again_finishes(stack: Stack, asker: Asker) -> None:
    ids = asker.ask(QUESTIONS)
    asker.wait(ids, 1)
    stack.compose("stop")
    ended = {one["Name"]: one["State"]["ExitCode"] for one in stack.containers(all_states=True)}
    assert set(ended.values()) <= set(STOPPED_IN_ORDER), f"killed, since it did not stop in time: {ended}"
    stack.compose("down")
    stack.up()
    asker.wait_for_all(ids)


def test_a_setting_that_cannot_be_used_stops_up_with_its_name(stack: Stack) -> None:
    stack.env |= {"ALTO_DEADLINE_MS": "soon"}
    try:
        with pytest.raises(AssertionError, match="provisioning"):
            stack.up()
        assert any("ALTO_DEADLINE_MS='soon' is not usable" in line for line in stack.log("provisioning"))
    finally:
        del stack.env["ALTO_DEADLINE_MS"]


def test_the_readme_s_plain_client_works_on_the_published_port(stack: Stack) -> None:
    stack.up()
    line = [sys.executable, "examples/plain_kafka.py", stack.brokers, "Who wrote The Old Man and the Sea?"]
    done = subprocess.run(line, cwd=ROOT, env=None, capture_output=True, text=True, timeout=300)
    assert "COMPLETE: " in done.stdout, done.stdout + done.stderr


def test_spans_of_every_stage_reach_a_collector(stack: Stack, asker: Asker) -> None:
    stack.files.append(COLLECTOR)
    stack.env |= TRACED
    try:
        stack.up()
        [question] = asked = asker.ask(1)
        asker.wait_for_all(asked)
        wanted = {f"factool.{stage} test {question}" for stage in STAGES}
        until = time.monotonic() + 60
        while missing := wanted.difference(stack.log("collector")):
            assert time.monotonic() < until, f"no spans: {sorted(missing)}"
            time.sleep(0.5)
    finally:
        stack.compose("rm", "--stop", "--force", "collector")
        stack.files.remove(COLLECTOR)
        for name in TRACED:
            del stack.env[name]
