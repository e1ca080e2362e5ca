"""docker-compose.yml agrees with the pipeline, the settings and .env.example: what can be said without an engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from alto_streams.settings import Settings
from alto_streams.supervisor.instances import parse_instances
from stages.graph import pipeline

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
STAGES = [stage.name for stage in pipeline.plan.stages]
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def test_every_stage_is_a_service_that_runs_its_worker() -> None:
    for stage in STAGES:
        assert SERVICES[stage]["entrypoint"] == ["python", "-m", "alto_streams.runtime.worker", "--stage", stage]
        assert SERVICES["ready"]["depends_on"][stage] == {"condition": "service_healthy"}


def test_partitions_match_replicas() -> None:
    asked = parse_instances(VARIABLE.sub(r"\2", SERVICES["provisioning"]["environment"]["ALTO_INSTANCES"]))
    assert sorted(asked) == sorted(STAGES)
    for stage in STAGES:
        said = f"${{ALTO_{stage.upper()}_INSTANCES:-1}}"
        assert f"{stage}={said}" in SERVICES["provisioning"]["environment"]["ALTO_INSTANCES"]
        assert SERVICES[stage]["deploy"]["replicas"] == said


def test_the_example_names_every_variable_with_its_default() -> None:
    used = dict(VARIABLE.findall(TEXT))
    shown = dict(re.findall(r"^#(\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.M))
    profile = {"COMPOSE_PROFILES": "gpu", "ALTO_EMBEDDED_ENGINE": "0", "ALTO_ENGINE_URL": "http://vllm:8000"}
    assert shown == used | profile
    assert all(bare.startswith("{") for bare in re.findall(r"(?<!\$)\$(.)", TEXT)), "a variable without a default"


def test_defaults_are_those_of_the_settings() -> None:
    for name, default in VARIABLE.findall(TEXT):
        field = name.removeprefix("ALTO_").lower()
        if field in Settings.model_fields and name not in ("ALTO_ENGINE_URL", "ALTO_ENGINE_API_KEY"):
            read = getattr(Settings.model_validate({field: default}), field)
            assert read == Settings.model_fields[field].default, name


def test_every_setting_is_passed_on_unless_containers_have_no_use_for_it() -> None:
    passed = [
        name
        for service in ("coordinator", "provisioning")
        for name in SERVICES[service]["environment"]
        if not name.startswith("OTEL_")
    ]
    # Folders of the image; files that it does not hold; what one worker a container and the other protocol do without.
    without = {"home", "cache", "pipeline", "deployment", "fork_workers", "session_timeout_s"}
    assert {name.removeprefix("ALTO_").lower() for name in passed} == set(Settings.model_fields) - without


def test_services_are_limited_confined_and_not_open_to_the_network() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), f"{name} publishes {port}"
        if name not in ("ready", "cli", "vllm"):  # an echo, the user's own command, another project's image
            assert "memory" in service["deploy"]["resources"]["limits"], f"{name} has no limit of memory"
        if name != "vllm":
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name


@pytest.mark.parametrize("service", [*STAGES, "kafka", "engine"])
def test_what_stays_is_started_again_and_asked_whether_it_answers(service: str) -> None:
    assert SERVICES[service]["restart"] == "unless-stopped"
    assert SERVICES[service]["healthcheck"]["test"][:2] == ["CMD", "answers"]


def test_a_stop_ends_in_time() -> None:
    """`down` stops what depends on others first: stages, then engine and Kafka."""
    patience = [int(SERVICES[name]["stop_grace_period"].rstrip("s")) for name in ("answer", "kafka")]
    assert sum(patience) <= 15
